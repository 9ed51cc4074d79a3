"""The fuzzing loop: kernels drawn, judged in isolated processes, failures made small and told apart."""

from kernelfuzz.campaign.loop import fuzz
from kernelfuzz.campaign.plan import Plan, WorkerFunctions
from kernelfuzz.campaign.summary import Summary

__all__ = ["Plan", "Summary", "WorkerFunctions", "fuzz"]

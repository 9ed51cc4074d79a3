"""The fuzzing loop: kernels drawn, judged in isolated processes, failures made small and told apart."""

from kernelfuzz.campaign.loop import fuzz
from kernelfuzz.campaign.plan import CampaignPlan, WorkerFunctions
from kernelfuzz.campaign.summary import CampaignSummary

__all__ = ["CampaignPlan", "CampaignSummary", "WorkerFunctions", "fuzz"]

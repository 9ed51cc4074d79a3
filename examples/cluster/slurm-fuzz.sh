#!/bin/bash
# A campaign made by a Slurm array: sbatch examples/cluster/slurm-fuzz.sh
#
# Every task draws other kernels, because it has a seed of its own, and writes its findings into a folder of its own. A task
# that is run again with its seed finds the same. A finding has the same folder name in each task that sees it.
#SBATCH --job-name=kernelfuzz-fuzz
#SBATCH --array=0-63
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=2G
#SBATCH --time=12:00:00
#SBATCH --requeue
set -uo pipefail

# A directory that all nodes see.
OUTPUT=${OUTPUT:-$HOME/findings}
SEED=$(( ${SEED:-0} + SLURM_ARRAY_TASK_ID ))

mkdir -p "$OUTPUT"
kernelfuzz fuzz \
    --examples "${EXAMPLES:-16384}" --seed "$SEED" --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --json --output "$OUTPUT/$SEED" > "$OUTPUT/$SEED.json"
code=$?
# 1 says that there are findings, which is no failure of the task.
[ "$code" -eq 1 ] || exit "$code"

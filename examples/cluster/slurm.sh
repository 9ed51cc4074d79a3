#!/bin/bash
# A corpus made by a Slurm array: sbatch examples/cluster/slurm.sh
#
# Every task makes the shards of its number. The one that makes the last shard drops the duplicates and writes the
# data, so there is nothing to do afterwards. A task that was killed or preempted is simply run again (--requeue).
#SBATCH --job-name=kernelfuzz
#SBATCH --array=0-63
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=2G
#SBATCH --time=12:00:00
#SBATCH --requeue
set -euo pipefail

# A directory that all nodes see.
OUTPUT=${OUTPUT:-$HOME/corpus}

kernelfuzz corpus \
    --count "${COUNT:-1000000}" --seed "${SEED:-0}" --format parquet \
    --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --shard-index "$SLURM_ARRAY_TASK_ID" --shard-count "$SLURM_ARRAY_TASK_COUNT" \
    --output "$OUTPUT"

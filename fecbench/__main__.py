"""``python -m fecbench``, also for ``accelerate launch -m fecbench`` and ``torchrun -m fecbench``."""

from fecbench.cli import main

if __name__ == "__main__":
    main()

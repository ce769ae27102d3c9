"""``python -m fecbench``, also for ``accelerate launch -m fecbench`` and ``torchrun -m fecbench``."""

from fecbench.core.module_path import drop_working_directory

if __name__ == "__main__":
    drop_working_directory()

    from fecbench.cli import main

    main()

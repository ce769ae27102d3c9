from fecbench.testing import ObjectiveConformance


class TestFocal(ObjectiveConformance):
    name = "focal"

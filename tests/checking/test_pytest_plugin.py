"""The pytest plugin, by test suites that use it, each in a pytest run of its own within this
process; what is loaded is seen in a process of its own."""

from __future__ import annotations

import pytest

from tests import needs

pytest_plugins = "pytester"

# 7x1+1x7 on 64 channels: 2 * (7 * 64 * 64 + 64) = 57,472 params.
PARAMS = 57_472


def run(pytester: pytest.Pytester, suite: str, *arguments: str) -> pytest.RunResult:
    """Run a suite; the plugin is found by its entry point."""
    pytester.makepyfile(suite)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


def test_a_marker_with_networks_asserts_before_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        f"""
        import pytest

        @pytest.mark.convcalc("7x1+1x7", params="<={PARAMS}")
        def test_kept():
            print("it ran")

        @pytest.mark.convcalc("7x1+1x7", params="<={PARAMS - 1}")
        def test_not_kept():
            raise SystemError("it ran")

        @pytest.mark.convcalc("3x3", params="<=1")
        @pytest.mark.convcalc("7x1+1x7", params="<={PARAMS}")
        def test_every_marker_counts():
            raise SystemError("it ran")
        """,
        "-rA",
    )
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert "it ran" in text and "SystemError" not in text
    assert "CC001 7x1+1x7: params 57,472 is over the 57,471 allowed (+1)" in text
    assert "CC001 3x3: params" in text
    assert "During handling" not in text and "Traceback" not in text


def test_the_fixture_takes_budgets_and_options_of_markers(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        pytestmark = pytest.mark.convcalc(input="768x17x17", params="<=9M")

        def test_kept(convcalc):
            assert convcalc.assert_within("7x1+1x7").entries[0].record.input == (768, 17, 17)

        def test_not_kept(convcalc):
            convcalc.assert_within("7x7")

        def test_a_call_goes_before_the_marker(convcalc):
            convcalc.assert_within("7x7", params="<=30M")

        @pytest.mark.convcalc(params="<=30M")
        def test_the_nearest_marker_counts(convcalc):
            convcalc.assert_within("7x7")

        @pytest.mark.convcalc("7x1+1x7", output="768x17x17")
        def test_markers_with_networks_take_them_too(): ...
        """,
    )
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       convcalc.assert_within("7x7")',
            "E       AssertionError: CC001 7x7: params 28.90 M is over the 9.000 M allowed (+2*",
            "test_*.py:9: AssertionError",
        ]
    )
    result.stdout.no_fnmatch_line("*assertions.py*")


WRONG = {
    '"7x1+1x7", parms="<=1k"': "convcalc marker: unknown figure 'parms'",
    '"7x1+1x7", params="<=1x"': "convcalc marker: params: unknown unit 'x'*",
    '"7x1+1x7"': "convcalc marker: expected a budget",
    '"7x1+mxpool", params=1': "convcalc marker: unknown word 'mxpool'",
}


def test_a_wrong_marker_fails_in_one_message(pytester: pytest.Pytester) -> None:
    tests = (f"@pytest.mark.convcalc({marker})\ndef test_{n}(): ...\n"
             for n, marker in enumerate(WRONG))  # fmt: skip
    result = run(pytester, "import pytest\n\n" + "\n".join(tests))
    result.assert_outcomes(failed=len(WRONG))
    result.stdout.fnmatch_lines(list(WRONG.values()))
    result.stdout.no_fnmatch_line("*Traceback*")


@needs.torch
def test_a_torch_model_is_held_to_budgets(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import torch

        def test_model(convcalc):
            model = torch.nn.Conv2d(3, 8, 3)
            convcalc.assert_within(model, input="3x8x8", params="==224", output="8x6x6")

        def test_function():
            import convcalc

            convcalc.assert_within(torch.nn.Conv2d(3, 8, 3), input="3x8x8", params="<=223")
        """,
        "-W", "ignore",
    )  # fmt: skip
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*CC001 Conv2d: params 224 is over the 223 allowed (+0.4%)"])


def test_markers_and_fixtures_that_ask_nothing_fail(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if item.name == "test_of_a_hook":
                    item.add_marker(pytest.mark.convcalc("3x3", params="<=1"))
    """)
    result = run(
        pytester,
        """
        import unittest

        import pytest

        @pytest.mark.convcalc(params="<=1k")
        def test_without_a_network(): ...

        @pytest.mark.convcalc(params="<=1k")
        def test_without_an_assertion(convcalc): ...

        @pytest.mark.convcalc("3x3", params="<=1")
        class TestClass:
            def test_of_a_class(self): ...

        shallow = pytest.mark.convcalc("3x3", depth=0)

        @pytest.mark.parametrize("x", [1, pytest.param(2, marks=shallow)])
        def test_of_a_parameter(x): ...

        @pytest.mark.convcalc("3x3", params={"max": 1, "level": "off"})
        def test_level_off(): ...

        @pytest.mark.convcalc
        def test_of_a_bare_marker(convcalc): ...

        @pytest.mark.convcalc("3x3", params="<=1")
        class TestCase(unittest.TestCase):
            def test_of_a_test_case(self): ...

        def test_of_a_hook(): ...

        @pytest.fixture
        def net(convcalc):
            return convcalc.assert_within("3x3")

        @pytest.mark.convcalc(params="<=1k")
        def test_of_a_fixture(net): ...
        """,
    )
    result.assert_outcomes(passed=1, failed=8, errors=1)
    text = result.stdout.str()
    assert "convcalc marker: no network (name one in the marker" in text
    assert "convcalc fixture: assert_within was never called" in text
    summary = text[text.index("= convcalc =") :]
    assert (
        "::TestClass::test_of_a_class: CC001 3x3: params 36.93 k is over the 1 allowed" in summary
    )
    assert "::test_of_a_parameter[2]: CC001 3x3: depth 1 is over the 0 allowed" in summary


def test_without_the_plugin_a_marker_is_unknown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('import pytest\n\n@pytest.mark.convcalc("3x3")\ndef test_it(): ...\n')
    result = pytester.runpytest_subprocess("-p", "no:convcalc", "--strict-markers")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*'convcalc' not found in `markers` configuration option*"])


def test_a_suite_that_does_not_use_it_is_left_alone(pytester: pytest.Pytester) -> None:
    """Strict markers and warnings as errors; and two modules are loaded, neither of them heavy."""
    pytester.makepyfile(
        """
        import sys

        def test_it():
            found = {name for name in sys.modules if name.split(".")[0] == "convcalc"}
            assert found == {"convcalc", "convcalc.pytest_plugin"}
            assert not {"torch", "typer", "numpy", "sympy"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess(
        "--strict-markers", "-W", "error", "-p", "no:hypothesispytest", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=1)

"""Exact figures of policies in environments of finite state."""

import json

import numpy as np
import pytest

import slatesim


def test_episodes_estimate_the_solution() -> None:
    """65,536 episodes of seed 0 each; 4 standard errors."""
    for simulated in (
        {"environment": "item_transition", "policy": "random"},
        {"environment": "item_transition", "policy": "table"},
        {"environment": "test_mdp", "policy": "static", "max_steps": 20},
    ):
        solution = slatesim.exact(**simulated)
        report = slatesim.evaluate(**simulated, episodes=65_536, progress=False)
        assert abs(report.returns.mean - solution.return_mean) <= 4 * report.returns.standard_error
        # The standard deviation itself, whose relative error is some 1 / sqrt(2 n) for normal returns, and larger for these.
        assert report.returns.standard_error * 256 == pytest.approx(solution.return_standard_deviation, rel=0.05)


def test_the_value_of_random_slates_is_the_published_one() -> None:
    """0.978353 of item transition under random slates: docs/comparing.md, from a linear solver outside of this project."""
    solution = slatesim.exact(environment="item_transition")
    assert solution.return_mean == pytest.approx(0.978353, abs=5e-7)
    assert np.array_equal(solution.table, np.full((10, 10), 0.1))
    assert solution.values.shape == (10,)
    assert solution.policy["name"] == "random"
    assert json.loads(solution.to_json()) == solution.to_dict()
    assert "0.978353" in str(solution)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"environment": "long_term_satisfaction"}, r"`environment.name` = long_term_satisfaction has no exact solution"),
        (
            {"environment": {"name": "test_mdp", "slate_size": 2}, "max_steps": 9},
            r"`environment.slate_size` = 2 has no exact solution; allowed is 1",
        ),
        ({"environment": "item_transition", "policy": "greedy"}, r"`policy.name` = greedy has no exact solution"),
        ({"environment": "test_mdp", "max_steps": 2**32 - 1}, r"`max_steps` = 4294967295 is not allowed"),
    ],
)
def test_what_has_no_solution_is_refused_by_its_key(arguments: dict, told: str) -> None:
    with pytest.raises(slatesim.ConfigError, match=told):
        slatesim.exact(**arguments)

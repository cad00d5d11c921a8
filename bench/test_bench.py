"""Tests of the benchmark itself: python3 -m unittest discover -s bench"""
import os
import re
import subprocess
import sys
import unittest

from gatehouse_bench import process_tree
from gatehouse_bench.answer import Expected, Reply
from gatehouse_bench.jobs import JOBS, PLAIN_ANSWER
from gatehouse_bench.load import lua_string
from gatehouse_bench.measure import Figures, Row, Settings
from gatehouse_bench.report import JobResult, Report
from gatehouse_bench.servers.definitions import isolation_paths, routing_api, routing_paths
from gatehouse_bench.servers.gatehouse import merge_patch

STATIC = JOBS[0]
LIMITS = next(job for job in JOBS if job.name == "limits")
ROUTING = next(job for job in JOBS if job.name == "routing")
ISOLATION = next(job for job in JOBS if job.name == "isolation")


def figures(cpu_us: float = 10.0) -> Figures:
    return Figures(requests_per_second=50_000, p50_ms=1, p99_ms=5, cpu_us=cpu_us, rss_mb=20)


def report(*results: JobResult) -> Report:
    return Report("a machine", ["v1"], Settings(rounds=1, seconds=1, connections=64, warmup=0), [], list(results))


class AnswerTest(unittest.TestCase):
    def test_each_part_of_the_answer_counts(self):
        headers = {"content-type": "text/plain; charset=utf-8", "foo-header": "bar", "foo-header-2": "baz", "more": "1"}
        body = PLAIN_ANSWER.body
        self.assertIsNone(PLAIN_ANSWER.mismatch(Reply(200, headers, body)))
        self.assertIn("status 404", PLAIN_ANSWER.mismatch(Reply(404, headers, body)))
        self.assertIn("foo-header", PLAIN_ANSWER.mismatch(Reply(200, headers | {"foo-header": "x"}, body)))
        self.assertIn("content type", PLAIN_ANSWER.mismatch(Reply(200, headers | {"content-type": "x/y"}, body)))
        self.assertIn("body", PLAIN_ANSWER.mismatch(Reply(200, headers, body[:-1])))

    def test_json_is_compared_as_a_value(self):
        expected, headers = Expected("application/json", b'{"a":1,"b":2}'), {"content-type": "application/json"}
        self.assertIsNone(expected.mismatch(Reply(200, headers, b'{"b": 2, "a": 1}')))
        self.assertIsNotNone(expected.mismatch(Reply(200, headers, b'{"a":1')))


class LoadTest(unittest.TestCase):
    def test_any_bytes_become_a_lua_literal(self):
        self.assertEqual(lua_string(b'{"a":\n1}\\'), '"{\\034a\\034:\\0101}\\092"')


class ProcessTreeTest(unittest.TestCase):
    def test_children_count(self):
        with subprocess.Popen(["sleep", "30"]) as child:
            self.assertIn(child.pid, process_tree.members(os.getpid()))
            self.assertGreater(process_tree.resident_mb(os.getpid()), process_tree.resident_mb(child.pid))
            child.kill()

    def test_a_process_that_has_ended_counts(self):
        before = process_tree.cpu_seconds(os.getpid())
        subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.2: pass"], check=True)
        # The kernel counts whole ticks of 10 ms, of user and system time, before and after.
        self.assertGreater(process_tree.cpu_seconds(os.getpid()) - before, 0.15)


class RoutingTest(unittest.TestCase):
    def test_every_path_is_matched_by_its_mock_alone(self):
        version = routing_api(0, "http://127.0.0.1:9")["version_data"]["versions"]["Default"]
        entries = [
            (kind, re.compile(entry["path"].replace("{id}", "([^/]+)")))
            for kind, entries_of_kind in version["extended_paths"].items()
            for entry in entries_of_kind
        ]
        self.assertEqual(len(entries), 20)
        for path in set(routing_paths(1, 10)):
            self.assertEqual([kind for kind, pattern in entries if pattern.search(path)], ["mock_response"], path)

    def test_all_apis_are_asked_in_turn(self):
        self.assertEqual(len(set(routing_paths(1000, 1000))), 1000)


class IsolationTest(unittest.TestCase):
    def test_all_apis_are_asked_in_turn(self):
        self.assertEqual(len(set(isolation_paths(1000, 1000))), 1000)


class MergePatchTest(unittest.TestCase):
    def test_merge_and_remove(self):
        merged = merge_patch({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": None, "e": 4}})
        self.assertEqual(merged, {"a": {"c": 2, "e": 4}, "d": 3})


class ReportTest(unittest.TestCase):
    def test_a_failed_row_is_visible_and_has_no_ratios(self):
        rows = [Row("hyper", "bare", [figures()]), Row("x", "other", [figures()], failure="errors under load: 3 read")]
        result = report(JobResult(STATIC, rows, {"lua": "no module"}))
        self.assertTrue(result.failed())
        line = next(line for line in result.markdown().splitlines() if line.startswith("| x "))
        self.assertEqual([cell.strip() for cell in line.split("|")][-4:-1], ["FAILED", "–", "–"])
        self.assertIn("- **x FAILED**: errors under load: 3 read", result.markdown())
        self.assertIn("- lua skipped: no module", result.markdown())

    def test_the_cost_of_routing_is_compared_within_rounds(self):
        one = Row("gatehouse-1-api", "", [figures(10), figures(20), figures(30)])
        many = Row("gatehouse-1000-apis", "", [figures(11), figures(21.5), figures(39)])
        self.assertIn("cost +1.50 µs", report(JobResult(ROUTING, [one, many], {})).markdown())

    def test_the_cost_of_isolation_is_compared_within_rounds(self):
        one = Row("gatehouse-1-script", "", [figures(10), figures(20), figures(30)])
        many = Row("gatehouse-1000-scripts", "", [figures(13), figures(32), figures(42)])
        self.assertIn("take 1.40 times", report(JobResult(ISOLATION, [one, many], {})).markdown())

    def test_tyk_is_quoted_under_its_jobs(self):
        self.assertIn("Tyk, quoted", report(JobResult(STATIC, [Row("hyper", "", [figures()])], {})).markdown())

    def test_the_cost_of_limits_is_compared_within_rounds(self):
        without = Row("gatehouse-session", "", [figures(10), figures(20), figures(30)])
        limited = Row("gatehouse-limits", "", [figures(10.4), figures(20.6), figures(38)])
        redis = Row("gatehouse-limits-redis", "", [figures(40)], redis_commands=[1.0, 1.001, 0.999])
        text = report(JobResult(LIMITS, [without, limited, redis], {})).markdown()
        self.assertIn("gatehouse-limits: rate and quota cost +0.60 µs", text)
        self.assertIn("gatehouse-limits-redis: 1.000 commands to Redis for each request", text)

    def test_a_run_without_rows_is_a_failure(self):
        self.assertTrue(report(JobResult(STATIC, [], {"hyper": "not built"})).failed())


if __name__ == "__main__":
    unittest.main()

"""The queue of jobs: nothing lost, nothing twice, poison put aside, clear refusals."""

import pytest

from common.domain.reasons import Reason
from common.messages.backtests import (
    CancelJobs,
    JobChanged,
    JobList,
    JobResult,
    JobsCancelled,
    JobsRequest,
    JobsTaken,
    JobState,
    JobStored,
    ResultRequest,
    SubmitJobs,
)
from common.messages.control import Fault
from common.messages.outputs import Publish
from services.backtest_queue import core
from services.backtest_queue.core import DEATHS_MAX, LOSSES_MAX
from tests.farm.toy import encoded, files_of_toy, toy
from tests.unit.services.backtest_queue.desk import Desk, Hand


def test_a_job_goes_through() -> None:
    desk, hand = Desk(), Hand("w")
    (key,) = desk.submit(7, batch="b")
    assert desk.state(key) is JobState.WAITING
    (lease,) = desk.work(hand)
    assert (lease.key, lease.task) == (key, encoded(toy(7)))
    hand.held = [key]
    assert desk.work(hand, 0, key, 2) == []
    row = desk.row(key)
    assert (JobState(row.state), row.done, row.total, row.worker) == (JobState.RUNNING, 2, 4, "w")
    assert desk.done(hand, key) == JobStored(key)
    row = desk.row(key)
    assert (JobState(row.state), row.bars, row.ended_ns) == (JobState.DONE, 48, desk.now_ns)
    assert desk.ask(ResultRequest(key)) == JobResult(key, files_of_toy(toy(7)))
    assert list(desk.kept) == [f"job/{key}"], "task and lease are off the disk"
    told = [each.message for each in desk.said if isinstance(each, Publish) and isinstance(each.message, JobChanged)]
    assert [JobState(one.state).name for one in told] == ["RUNNING", "RUNNING", "DONE"]


def test_the_same_job_is_one_job_and_costs_nothing_the_second_time() -> None:
    desk, hand = Desk(), Hand("w")
    (key,) = desk.submit(1)
    assert desk.submit(1, 1) == [key, key]
    assert len(desk.work(hand, 9)) == 1
    hand.held = [key]
    desk.done(hand, key)
    taken = desk.ask(SubmitJobs((encoded(toy(1)),)))
    assert taken == JobsTaken((key,), (JobState.DONE,))
    assert desk.done(hand, key) == JobStored(key), "an answer that was lost is given again"
    assert desk.core.stored == 1


def test_a_result_that_is_there_already_makes_the_job_done() -> None:
    desk = Desk()
    key = Desk().submit(3)[0]
    desk.results[key] = files_of_toy(toy(3))
    assert desk.submit(3) == [key]
    assert desk.state(key) is JobState.DONE
    assert desk.work(Hand("w"), 5) == []


def test_a_result_that_no_longer_matches_its_hash_runs_again_and_keeps_its_history() -> None:
    desk, hand = Desk(), Hand("w")
    (key,) = desk.submit(1)
    desk.work(hand)
    hand.held = [key]
    desk.done(hand, key)
    desk.damaged.add(key)
    assert desk.ask(SubmitJobs((encoded(toy(1)),))) == JobsTaken((key,), (JobState.WAITING,))
    desk.damaged.clear()
    hand.held = []
    assert [lease.key for lease in desk.work(hand)] == [key]


def test_priority_first_then_what_was_begun_then_the_order_of_submission() -> None:
    desk, hand = Desk(), Hand("w")
    late = desk.submit(1, 2, 3)
    (urgent,) = desk.submit(4, priority=5)
    (idle,) = desk.submit(5, priority=-5)
    assert [lease.key for lease in desk.work(hand, 2)] == [urgent, late[0]]
    desk.wait(11)
    other = Hand("v")
    assert [lease.key for lease in desk.work(other, 9)] == [urgent, late[0], late[1], late[2], idle]


def test_who_wants_it_most_says_how_urgent_it_is() -> None:
    desk = Desk()
    first, second = desk.submit(1, 2)
    desk.submit(2, priority=3)
    desk.submit(2, priority=1)
    assert [lease.key for lease in desk.work(Hand("w"), 2)] == [second, first]


def test_a_question_that_comes_twice_gets_the_same_leases() -> None:
    desk, hand = Desk(), Hand("w")
    keys = desk.submit(1, 2, 3)
    assert desk.work(hand, 2) == desk.again(hand, 2)
    assert [lease.key for lease in desk.again(hand, 2)] == keys[:2]
    hand.held = keys[:1]
    assert [lease.key for lease in desk.work(hand, 1)] == [keys[1]], "one answer was lost: what it gave is free again"


def test_a_silent_worker_loses_its_leases_and_only_what_it_ran_is_charged() -> None:
    desk, hand = Desk(), Hand("w")
    keys = desk.submit(1, 2)
    desk.work(hand, 2)
    desk.wait(10.5)
    assert [(row.losses, JobState(row.state)) for row in map(desk.row, keys)] == [
        (1, JobState.WAITING), (0, JobState.WAITING),
    ]  # fmt: skip
    hand.held = keys
    desk.work(hand, 0)
    assert hand.gone == [], "it comes back before anybody else has them"
    assert [JobState(desk.row(key).state) for key in keys] == [JobState.RUNNING] * 2


def test_a_queue_that_stood_still_judges_nobody() -> None:
    desk, hand = Desk(), Hand("w")
    (key,) = desk.submit(1)
    desk.work(hand)
    desk.wait(60)
    assert desk.state(key) is JobState.RUNNING
    desk.wait(11)
    assert desk.state(key) is JobState.WAITING


def test_a_worker_that_restarts_gives_back_what_it_held() -> None:
    desk = Desk()
    (key,) = desk.submit(1)
    desk.work(Hand("w", "s1"))
    assert [lease.key for lease in desk.work(Hand("w", "s2"))] == [key]
    assert desk.row(key).losses == 1


def test_leases_survive_the_queue() -> None:
    desk, hand, other = Desk(), Hand("w"), Hand("v")
    keys = desk.submit(1, 2, 3)
    desk.work(hand, 2)
    desk.restart()
    assert [lease.key for lease in desk.work(other, 9)] == [keys[2]]
    hand.held = keys[:2]
    assert desk.work(hand, 0) == []
    assert hand.gone == []
    assert desk.done(hand, keys[0]) == JobStored(keys[0])
    desk.restart()
    desk.wait(11)
    assert [row.losses for row in map(desk.row, keys)] == [0, 1, 1]
    assert desk.core.stored == 0
    assert set(desk.results) == {keys[0]}


def test_a_result_of_a_lost_lease_is_taken_and_the_other_let_go() -> None:
    desk, slow, other = Desk(), Hand("slow"), Hand("other")
    (key,) = desk.submit(1)
    desk.work(slow)
    desk.wait(11)
    assert [lease.key for lease in desk.work(other)] == [key]
    assert desk.done(slow, key) == JobStored(key)
    other.held = [key]
    desk.work(other)
    assert other.gone == [key]
    assert desk.done(other, key) == JobStored(key)
    assert desk.core.stored == 1


def test_a_fault_told_by_somebody_without_the_lease_ends_nothing() -> None:
    desk, hand = Desk(), Hand("w")
    (key,) = desk.submit(1)
    desk.work(hand)
    assert desk.done(Hand("other"), key, "odd") == JobStored(key)
    assert desk.state(key) is JobState.RUNNING


def test_poison_is_put_aside_after_three_and_the_others_finish() -> None:
    desk, hand = Desk(), Hand("w")
    poison, good = desk.submit(1, 2)
    for _ in range(DEATHS_MAX):
        assert [lease.key for lease in desk.work(hand)] == [poison]
        hand.held = [poison]
        desk.done(hand, poison, "signal 9", died=True)
        hand.held = []
    row = desk.row(poison)
    assert (JobState(row.state), row.deaths) == (JobState.QUARANTINED, 3)
    assert "signal 9" in row.fault
    assert [lease.key for lease in desk.work(hand, 9)] == [good]
    desk.submit(1)
    row = desk.row(poison)
    assert (JobState(row.state), row.deaths) == (JobState.WAITING, 0), "a person may try it again"


def test_a_job_that_takes_workers_with_it_is_put_aside_in_the_end() -> None:
    desk = Desk()
    (key,) = desk.submit(1)
    for life in range(LOSSES_MAX):
        assert desk.work(Hand("w", f"s{life}")), life
    desk.work(Hand("w", "last"))
    assert desk.state(key) is JobState.QUARANTINED


def test_what_a_job_asks_wrongly_fails_at_once() -> None:
    desk, hand = Desk(), Hand("w")
    (key,) = desk.submit(1)
    desk.work(hand)
    desk.done(hand, key, "no minutes of 2031")
    row = desk.row(key)
    assert (JobState(row.state), row.fault, row.deaths) == (JobState.FAILED, "no minutes of 2031", 0)


def test_cancelled_jobs_are_let_go_and_their_results_ignored() -> None:
    desk, hand = Desk(), Hand("w")
    running, waiting = desk.submit(1, 2, batch="b")
    (done,) = desk.submit(3)
    desk.work(hand)
    hand.held = [running]
    assert desk.ask(CancelJobs((waiting, "ab" * 16), "b")) == JobsCancelled(2, 0, ("ab" * 16,))
    assert desk.ask(CancelJobs((waiting,))) == JobsCancelled(0, 1, ())
    assert [lease.key for lease in desk.work(hand, 1)] == [done]
    assert hand.gone == [running]
    assert desk.done(hand, running) == JobStored(running)
    assert desk.state(running) is JobState.CANCELLED
    desk.restart()
    assert desk.state(running) is JobState.CANCELLED


def test_too_many_are_refused_with_their_number_and_none_of_them_is_taken() -> None:
    desk = Desk(waiting_max=3)
    desk.submit(1, 2)
    answer = desk.ask(SubmitJobs(tuple(encoded(toy(number)) for number in (2, 3, 4))))
    assert isinstance(answer, Fault)
    assert "2 jobs more than 2" in answer.text
    assert "waiting_max = 3" in answer.text
    assert desk.core.book.unfinished == 2
    assert desk.submit(2, 3), "what is there already takes no room"


def test_tasks_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "TASK_BYTES_MAX", 1_000)
    desk = Desk()
    answer = desk.ask(SubmitJobs(tuple(encoded(toy(number)) for number in range(5))))
    assert isinstance(answer, Fault)
    assert "MiB" in answer.text


def test_bytes_that_are_no_task_are_refused_by_number() -> None:
    desk = Desk()
    answer = desk.ask(SubmitJobs((encoded(toy(1)), b'{"rule": 1}')))
    assert isinstance(answer, Fault)
    assert answer.text.startswith("task 2 ")
    assert desk.core.book.rows == {}


def test_a_full_disk_refuses_and_lends_nothing_and_results_wait() -> None:
    desk, hand = Desk(), Hand("w")
    first, second = desk.submit(1, 2)
    desk.work(hand)
    hand.held = [first]
    desk.no_room = True
    desk.do(desk.core.on_disk(True, desk.now_ns))
    answer = desk.ask(SubmitJobs((encoded(toy(3)),)))
    assert isinstance(answer, Fault)
    assert answer.reason is Reason.DISK_FULL
    assert desk.work(hand) == []
    done = core.JobDone(hand.name, hand.session, first, files_of_toy(toy(1)))
    assert desk.do(desk.core.on_message(done, core.Origin("w", token=desk_token()), desk.now_ns)) == [], (
        "sent again later"
    )
    desk.no_room = False
    desk.do(desk.core.on_disk(False, desk.now_ns))
    assert desk.done(hand, first) == JobStored(first)
    hand.held = []
    assert [lease.key for lease in desk.work(hand)] == [second]


def desk_token() -> core.Token:
    return core.Token("ask", b"\x00r", "c")


def test_jobs_are_listed_by_batch_state_and_page() -> None:
    desk, hand = Desk(), Hand("w")
    keys = desk.submit(*range(5), batch="b")
    desk.submit(9)
    desk.work(hand, 2)
    listed = desk.ask(JobsRequest(batch="b", limit=2))
    assert isinstance(listed, JobList)
    assert [row.key for row in listed.rows] == [keys[4], keys[3]]
    assert {name: n for name, n in listed.counts.items() if n} == {"WAITING": 3, "RUNNING": 2}
    more = desk.ask(JobsRequest(batch="b", before=listed.rows[-1].seq, state=JobState.WAITING))
    assert isinstance(more, JobList)
    assert [row.key for row in more.rows] == [keys[2]]
    assert [(worker.worker, worker.held) for worker in more.workers] == [("w", 2)]


def test_a_missing_result_is_said() -> None:
    answer = Desk().ask(ResultRequest("ab"))
    assert isinstance(answer, Fault)


def test_old_jobs_are_forgotten_and_their_results_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, hand = Desk(), Hand("w")
    desk.core.book._ended_max = 2
    keys = desk.submit(1, 2, 3)
    desk.work(hand, 3)
    for key in keys:
        desk.done(hand, key)
    assert list(desk.core.book.rows) == keys[1:]
    assert sorted(desk.kept) == sorted(f"job/{key}" for key in keys[1:])
    assert set(desk.results) == set(keys)
    assert desk.core.book.counts[JobState.DONE] == 2

"""An executor that runs steps side by side in threads of one process.

The steps of this graph wait for child processes (Meltano, dbt), so threads are enough, and they spare what Dagster's
multiprocess executor costs on a small machine: an interpreter with Dagster in it for every step. Steps that may not
run side by side say so by their pools.

A thread cannot be interrupted while it waits for a child. So when the run is interrupted, the children are ended
instead; their steps then fail by themselves, which gives back what they hold.
"""

import os
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dagster import Field, InitExecutorContext, Noneable, executor
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import dagster_event_sequence_for_step
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.base import Executor
from dagster._utils.interrupts import raise_interrupts_as

from ecommerce_pipeline.operations.processes import end_children

POLL_SECONDS = 0.2
SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class _Said:
    """What a step's thread passes on: an event, an error that is none of the step's own, or (neither) that it has
    ended.
    """

    step_key: str
    event: DagsterEvent | None = None
    error: BaseException | None = None


class ThreadsExecutor(Executor):
    """Runs up to `limit` steps at a time, each in a thread of its own."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    @property
    def retries(self) -> RetryMode:
        """Steps that ask for another try get it."""
        return RetryMode.ENABLED

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        """Dagster's entry: the events of all steps, as they come."""
        yield DagsterEvent.engine_event(
            plan_context,
            f"Executing steps in up to {self._limit} threads of process {os.getpid()}",
            event_specific_data=EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute),
        )
        yield from ExecuteRunWithPlanIterable(
            execution_plan=execution_plan,
            iterator=self._iterate,
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=self.retries,
                execution_plan=execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=plan_context.step_dependency_config,
            ),
        )

    def _iterate(self, job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        with (
            InstanceConcurrencyContext(job_context.instance, job_context.dagster_run) as pools,
            execution_plan.start(
                retry_mode=job_context.retry_mode,
                max_concurrent=self._limit,
                instance_concurrency_context=pools,
                step_dependency_config=job_context.step_dependency_config,
            ) as active,
        ):
            yield from _Threads(job_context, active).run()


class _Threads:
    """The steps at work in one run."""

    def __init__(self, context: PlanExecutionContext, active: ActiveExecution) -> None:
        self._context, self._active = context, active
        self._said: queue.SimpleQueue[_Said] = queue.SimpleQueue()
        self._working: dict[str, threading.Thread] = {}

    def run(self) -> Iterator[DagsterEvent]:
        try:
            while not self._active.is_complete:
                self._start_what_can_run()
                yield from self._active.concurrency_event_iterator(self._context)
                yield from self._heard()
        except BaseException:
            self._end_children()
            raise

    def _start_what_can_run(self) -> None:
        for step in self._active.get_steps_to_execute():
            thread = threading.Thread(target=self._work, args=(step,), name=step.key)
            self._working[step.key] = thread
            thread.start()

    def _work(self, step: ExecutionStep) -> None:
        try:
            step_context: Any = self._context.for_step(step, self._active.get_known_state())
            for event in dagster_event_sequence_for_step(step_context):
                self._said.put(_Said(step.key, event))
        except BaseException as error:
            self._said.put(_Said(step.key, error=error))
        else:
            self._said.put(_Said(step.key))

    def _heard(self) -> Iterator[DagsterEvent]:
        """The next event, if one comes soon; when a step has ended, what follows from that."""
        try:
            with raise_interrupts_as(DagsterExecutionInterruptedError):
                said = self._said.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return
        if said.error is not None:
            raise said.error
        if said.event is not None:
            yield said.event
            self._active.handle_event(said.event)
            return
        self._working.pop(said.step_key).join()
        self._active.verify_complete(self._context, said.step_key)
        yield from self._active.plan_events_iterator(self._context)

    def _end_children(self) -> None:
        """End the processes that the steps wait for, until no step waits any more."""
        while any(thread.is_alive() for thread in self._working.values()):
            end_children()
            for thread in self._working.values():
                thread.join(timeout=1.0)


@executor(
    name="threads",
    config_schema={
        "max_concurrent": Field(Noneable(int), default_value=SIDE_BY_SIDE, description="steps at work at a time")
    },
)
def threads_executor(init_context: InitExecutorContext) -> ThreadsExecutor:
    """Steps side by side in threads of the run's process."""
    wanted: Any = init_context.executor_config.get("max_concurrent")
    return ThreadsExecutor(wanted or SIDE_BY_SIDE)

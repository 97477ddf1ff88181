"""Pipelines that run in this process, as the command line's do."""

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline


def in_process(*options: str) -> TestPipeline:
    """A `TestPipeline` on the in-process runner; `DirectRunner` would look for another first."""
    return TestPipeline(FnApiRunner(), options=PipelineOptions(list(options)))

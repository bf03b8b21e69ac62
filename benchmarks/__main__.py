"""All benchmarks that end within minutes, one after the other; `python -m benchmarks.pipeline scale` takes longer."""

from benchmarks import ingestion, pipeline

if __name__ == "__main__":
    ingestion.main()
    pipeline.main([])

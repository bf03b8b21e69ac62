"""What the pipeline refused, and why: rejects of the ingestion, quarantine and corrections of the models."""

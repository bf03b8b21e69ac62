"""`contracts check|generate`: what the sources promise, and the files that are made of it."""

from __future__ import annotations

import typer

from ecommerce_pipeline.cli import console

app = typer.Typer(help="What the sources promise: check it, write out what is made of it.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Whether every contract can be read, agrees with meltano.yml, and the files made of it are current."""
    from ecommerce_pipeline.quality.contracts import border, generated, reading

    settings = console.settings()
    wrong = border.disagreements(settings)
    wrong += [f"{path} is not current. Next: `shopsphere contracts generate`" for path in generated.stale(settings)]
    for text in wrong:
        console.say(text)
    without = border.uncovered(settings)
    if without:
        console.say(f"without a contract: {', '.join(without)}")
    if wrong:
        raise typer.Exit(1)
    console.say(f"{len(reading.read(settings))} contracts, all kept by meltano.yml and the files made of them")


@app.command()
def generate() -> None:
    """Write the seed of rules, the dbt sources, the macro and the page that are made of the contracts."""
    from ecommerce_pipeline.quality.contracts import generated

    settings = console.settings()
    written = generated.write(settings)
    for path in written:
        console.say(f"written: {path}")
    if not written:
        console.say("all is current")

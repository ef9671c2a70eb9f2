"""Secrets are taken out, the same one as the same word; what is no secret stays."""

from services.cli.accept.mask import Mask

ACCOUNT = "8888000001"


def test_the_account_is_one_word_everywhere() -> None:
    mask = Mask(ACCOUNT)
    row = {
        "account_id": ACCOUNT,
        "m_strAccountID": ACCOUNT,
        "n": 8888000001,
        "text": f"resp of {ACCOUNT}, seq 3",
        "rows": [{"x": ACCOUNT}],
    }
    assert mask.clean(row) == {
        "account_id": "<account-1>", "m_strAccountID": "<account-1>", "n": "<account-1>",
        "text": "resp of <account-1>, seq 3", "rows": [{"x": "<account-1>"}],
    }  # fmt: skip


def test_other_secrets_are_told_apart() -> None:
    mask = Mask(ACCOUNT)
    found = mask.clean([{"secu_account": "A123456789"}, {"secu_account": "0987654321"}, {"secu_account": "A123456789"}])
    assert found == [{"secu_account": "<secret-1>"}, {"secu_account": "<secret-2>"}, {"secu_account": "<secret-1>"}]
    assert mask.clean({"status_msg": "A123456789 refused"}) == {"status_msg": "<secret-1> refused"}
    assert mask.clean({"account_id": "7777000001"}) == {"account_id": "<account-2>"}
    assert mask.clean({"token": "tok-abc", "Password": "hunter2"}) == {"token": "<secret-3>", "Password": "<secret-4>"}


def test_names_in_paths_go() -> None:
    mask = Mask(ACCOUNT)
    assert mask.text(r"C:\Users\王小明\QMT\userdata_mini") == r"C:\Users\<user-1>\QMT\userdata_mini"
    assert mask.text(r"c:\users\王小明\x") == r"c:\users\<user-1>\x"
    assert "li" not in mask.text("/ho" + "me/lisi/x").replace("lib", "")


def test_what_is_no_secret_stays() -> None:
    mask = Mask("12")
    row = {
        "order_id": 12,
        "price": 12.5,
        "stock_code": "600012.SH",
        "flag": True,
        "none": None,
        "account_type": 2,
        "empty": "",
    }
    kept = mask.clean(row)
    assert (kept["price"], kept["stock_code"], kept["flag"], kept["none"], kept["account_type"]) == (
        12.5,
        "600012.SH",
        True,
        None,
        2,
    )
    assert Mask("").clean({"account_id": "", "text": "x"}) == {"account_id": "", "text": "x"}

"""What a loaded reference table holds, and what its fingerprint depends on."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.columns import arrow_schema
from models.reference import REFERENCE_TABLES
from pipelines.landing.privacy import tag_value
from pipelines.workspace import load_workspace

TEAMS = "team_id,team_name,parent_team_id"
RULES = "rule_id,rank,match_on,match_source,match_key,match_value,application_id,share"


def test_a_fresh_workspace_has_every_table_and_no_row(bench):
    tables = bench.load().tables

    assert {name: table.num_rows for name, table in tables.items()} == dict.fromkeys(
        REFERENCE_TABLES, 0
    )


@pytest.mark.parametrize("name", REFERENCE_TABLES)
def test_a_table_has_the_columns_and_types_of_its_contract(bench, name):
    assert bench.load().tables[name].schema == arrow_schema(REFERENCE_TABLES[name].columns)


def test_a_missing_folder_is_a_workspace_without_reference(bench):
    empty = bench.load()
    for path in sorted((bench.root / "reference").iterdir()):
        path.unlink()
    (bench.root / "reference").rmdir()

    assert bench.load().fingerprint == empty.fingerprint


def test_values_are_typed_exactly(company):
    company.reference(
        {
            "contract_prices.csv": (
                "issuer,provider,model_id,meter,currency,price_per_million,valid_from,valid_to\n"
                "openai,openai,gpt-4o,output,USD,0.1,2026-10-14,2026-10-14T14:00:00+02:00\n"
            ),
            "fx_rates.csv": (
                "rate_date,from_currency,to_currency,rate\n2026-10-01,EUR,USD,1.084200001\n"
            ),
            "invoices.csv": (
                "invoice_id,issuer,billing_account_id,billing_period,currency,total_amount\n"
                "i1,openai,org,2026-10-01,USD,-12345678901234567890.123456789012345678\n"
            ),
        }
    )
    tables = company.load().tables

    assert tables["ref_contract_prices"].to_pylist() == [
        {
            "issuer": "openai",
            "provider": "openai",
            "model_id": "gpt-4o",
            "meter": "output",
            "service_tier": "standard",
            "currency": "USD",
            "price_per_million": Decimal("0.100000"),
            "valid_from": datetime(2026, 10, 14, tzinfo=UTC),
            "valid_to": datetime(2026, 10, 14, 12, tzinfo=UTC),
            "min_input_tokens": 0,
            "inference_geo": None,
        }
    ]
    assert tables["ref_fx_rates"]["rate"].to_pylist() == [Decimal("1.084200001")]
    assert tables["ref_fx_rates"]["rate_date"].to_pylist() == [date(2026, 10, 1)]
    assert tables["ref_invoices"]["total_amount"].to_pylist() == [
        Decimal("-12345678901234567890.123456789012345678")
    ]


def test_blanks_are_null_or_the_default(company):
    company.reference({"ownership_rules.csv": f"{RULES}\nr,1,api_key,,,k,bot,\n"})
    tables = company.load().tables

    (rule,) = tables["ref_ownership_rules"].to_pylist()
    assert rule["share"] == 1
    assert rule["match_source"] is rule["match_key"] is rule["valid_from"] is None
    assert tables["ref_applications"]["charge_to"].to_pylist() == ["owner", "owner"]


def test_thirds_add_up_to_exactly_one_and_the_same_row_gets_the_rest(company):
    names = ("bot", "faq", "search")
    company.reference(
        {
            "applications.csv": "application_id,application_name,team_id,cost_center_id\n"
            + "".join(f"{name},{name},t-1,cc-1\n" for name in names),
            "ownership_rules.csv": f"{RULES}\n"
            + "".join(f"r,1,api_key,,,k,{name},1/3\n" for name in reversed(names))
            + "s,2,api_key,,,j,bot,1/6\ns,2,api_key,,,j,faq,0.5\ns,2,api_key,,,j,search,2 / 6\n",
            "shared_cost_rules.csv": "rule_id,rank,method,cost_center_id,share\n"
            "f,1,fixed,cc-1,1/7\nf,1,fixed,cc-2,6/7\n",
        }
    )
    tables = company.load().tables
    rules = [
        (row["rule_id"], row["application_id"], str(row["share"]))
        for row in tables["ref_ownership_rules"].to_pylist()
    ]

    assert rules == [
        ("r", "bot", "0.333333333334"),
        ("r", "faq", "0.333333333333"),
        ("r", "search", "0.333333333333"),
        ("s", "bot", "0.166666666667"),
        ("s", "faq", "0.500000000000"),
        ("s", "search", "0.333333333333"),
    ]
    assert sum(tables["ref_shared_cost_rules"]["share"].to_pylist()) == 1


def test_outcome_definitions_are_read_from_yaml(company):
    company.reference(
        {
            "outcome_definitions.yaml": (
                "- outcome_type: ticket_resolved\n  application_id: bot\n  outcome_name: Tickets\n"
                "- {outcome_type: pr_merged, outcome_name: 'no', is_confirmed_only: true}\n"
            )
        }
    )

    assert company.load().tables["ref_outcome_definitions"].to_pylist() == [
        {
            "outcome_type": "pr_merged",
            "application_id": None,
            "outcome_name": "no",
            "is_confirmed_only": True,
        },
        {
            "outcome_type": "ticket_resolved",
            "application_id": "bot",
            "outcome_name": "Tickets",
            "is_confirmed_only": False,
        },
    ]


def test_people_are_pseudonyms_in_tables_and_fit_the_logs(company):
    company.reference(
        {
            "users.csv": "user_id,cost_center_id\n Jo@Acme.example ,cc-1\n",
            "ownership_rules.csv": f"{RULES}\nr,1,user,,,jo@acme.example,bot,\n",
        }
    )
    tables = company.load().tables

    (person,) = tables["ref_users"]["user_id"].to_pylist()
    assert person.startswith("u_")
    assert tables["ref_ownership_rules"]["match_value"].to_pylist() == [person]
    assert "acme.example" not in str(tables)


@pytest.mark.parametrize("match_on", ["call_tag", "resource_tag"])
def test_an_e_mail_in_a_rule_fits_the_tag_that_landing_keeps(company, match_on):
    rule = f"{RULES}\nr,1,{match_on},,app,Jo@Acme.example,bot,\n"
    company.reference({"ownership_rules.csv": rule})
    pseudonym = load_workspace(company.root, company.env).pseudonym

    assert company.load().tables["ref_ownership_rules"]["match_value"].to_pylist() == [
        tag_value("jo@acme.example", pseudonym)
    ]


@pytest.mark.parametrize(
    "name",
    [
        "'); drop table ref_teams; --",
        "=HYPERLINK(1+1)",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}",
        "../../etc/passwd",
        'a "quoted", name',
        "#hashtag",
        "Žižkov 🚀 东京",
        "null",
    ],
)
def test_a_hostile_name_is_data(bench, name):
    cell = '"' + name.replace('"', '""') + '"'
    bench.reference({"teams.csv": f"{TEAMS}\n{cell},{cell},\n"})

    assert bench.load().tables["ref_teams"].to_pylist() == [
        {"team_id": name, "team_name": name, "parent_team_id": None}
    ]


def test_values_are_trimmed_and_composed(bench):
    bench.reference({"teams.csv": f"\ufeff{TEAMS}\r\n  t-1 ,Cafe\u0301,\r\n"})

    assert bench.load().tables["ref_teams"].to_pylist() == [
        {"team_id": "t-1", "team_name": "Café", "parent_team_id": None}
    ]


def test_comments_blank_rows_spaces_and_column_order_change_nothing(bench):
    bench.reference({"teams.csv": f"{TEAMS}\nt-1,One,\nt-2,Two,t-1\n"})
    before = bench.load()
    bench.reference(
        {
            "teams.csv": (
                "# all our teams\nparent_team_id,team_id, team_name\r\n,,\r\n"
                '# moved in 2026\r\n"t-1",t-2,Two \r\n\r\n,t-1,One\r\n'
            )
        }
    )
    after = bench.load()

    assert after.fingerprint == before.fingerprint
    assert after.tables == before.tables


def test_another_way_to_write_a_value_changes_nothing(company):
    header = "rate_date,from_currency,to_currency,rate\n"
    company.reference({"fx_rates.csv": f"{header}2026-10-01,EUR,USD,1.10\n"})
    before = company.load().fingerprint
    company.reference({"fx_rates.csv": f"{header}2026-10-01,EUR,USD,+1.1000000000\n"})

    assert company.load().fingerprint == before


@pytest.mark.parametrize(
    "text",
    ["t-1,One,\nt-2,Three,t-1\n", "t-1,One,\nt-2,Two,\n", "t-1,One,\n", "t-2,One,\nt-1,Two,t-2\n"],
)
def test_any_other_value_changes_the_fingerprint(bench, text):
    bench.reference({"teams.csv": f"{TEAMS}\nt-1,One,\nt-2,Two,t-1\n"})
    before = bench.load().fingerprint
    bench.reference({"teams.csv": f"{TEAMS}\n{text}"})

    assert bench.load().fingerprint != before


_NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(_NAMES.filter(lambda n: "@" not in n), min_size=1, max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_rows_never_matters(bench, names, order):
    rows = [f't-{i},"{name.replace(chr(34), chr(34) * 2)}",' for i, name in enumerate(names)]
    bench.reference({"teams.csv": "\n".join([TEAMS, *rows])})
    before = bench.load()
    order.shuffle(rows)
    bench.reference({"teams.csv": "\n".join([TEAMS, *rows])})
    after = bench.load()

    assert after.fingerprint == before.fingerprint
    assert after.tables == before.tables


def test_without_ownership_rules_there_is_a_warning_and_no_problem(company):
    report = company.check()

    assert report.is_good
    assert [warning.rule for warning in report.warnings] == ["no_rules"]
    assert report.counts["applications.csv"] == 2
    assert report.counts["sources"] == 2


def test_a_gap_in_an_application_is_a_warning_at_the_later_row(company):
    company.reference(
        {
            "applications.csv": (
                "application_id,application_name,cost_center_id,valid_from,valid_to\n"
                "bot,Bot,cc-1,2026-03-01,\n"
                "bot,Bot,cc-1,2026-01-01,2026-02-01\n"
            ),
            "ownership_rules.csv": f"{RULES}\nr,1,api_key,,,k,bot,\n",
        }
    )

    (warning,) = company.load().warnings
    assert (warning.rule, warning.line, warning.column) == ("gap", 2, "valid_from")
    assert "between line 3 and this" in warning.message


def test_an_application_that_moves_without_a_gap_is_no_warning(company):
    company.reference(
        {
            "applications.csv": (
                "application_id,application_name,cost_center_id,valid_from,valid_to\n"
                "bot,Bot,cc-1,,2026-02-01\n"
                "bot,Bot,cc-2,2026-02-01T00:00:00Z,\n"
            ),
            "ownership_rules.csv": f"{RULES}\nr,1,api_key,,,k,bot,\n",
        }
    )

    assert company.load().warnings == []


def test_a_price_may_be_nothing(company):
    header = "issuer,provider,model_id,meter,currency,price_per_million\n"
    company.reference({"contract_prices.csv": f"{header}openai,openai,m,output,USD,0\n"})

    assert company.load().tables["ref_contract_prices"]["price_per_million"].to_pylist() == [0]


def test_a_rule_on_a_tag_that_no_source_keeps_is_a_warning(company):
    company.reference(
        {
            "ownership_rules.csv": (
                f"{RULES}\nr,1,call_tag,,app,v,bot,\ns,1,call_tag,,application,v,bot,\n"
            )
        }
    )

    (warning,) = company.load().warnings
    assert (warning.rule, warning.line, warning.column) == ("tag_not_kept", 3, "match_key")


def test_every_row_of_a_large_register_is_loaded_and_checked(company):
    """Every row leaves other columns blank; comparing all pairs would take hours."""
    count = 20_000
    routes = "route_id,rank,source,provider,deployment_id,project_id,issuer,billing_account_id\n"
    rows = [
        f"r{i},{i % 7},{'' if i % 2 else 'openai-bill'},{'' if i % 3 else 'openai'},"
        f"d{i},{'' if i % 5 else f'p{i}'},openai,org"
        for i in range(count)
    ]
    company.reference({"routes.csv": routes + "\n".join(rows) + "\nlast,3,,,d3,,openai,org\n"})

    assert company.found() == [("overlap", "routes.csv", count + 2, "rank")]

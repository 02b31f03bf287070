"""Every way in which a reference file can be wrong, and where the message points."""

import pytest

RULES = "rule_id,rank,match_on,match_key,match_value,application_id,share"
DATED = "rule_id,rank,match_on,match_source,match_value,application_id,valid_from,valid_to"
ROUTES = "route_id,rank,source,provider,deployment_id,issuer,billing_account_id,valid_from,valid_to"
MODIFIERS = "rank,issuer,provider,attribute,value,factor"
PRICES = "issuer,provider,model_id,meter,currency,price_per_million,valid_from,valid_to"
SHARED = "rule_id,rank,issuer,method,cost_center_id,share,driver"
APPS = "application_id,application_name,cost_center_id,valid_from,valid_to"
FX = "rate_date,from_currency,to_currency,rate"
INVOICES = "invoice_id,issuer,billing_account_id,billing_period,currency,total_amount,issued_on"
INVOICE = "i1,openai,org,2026-10-01,USD,1.00,"

# file, its lines, rule, line, column
CELLS = {
    "a blank in a required column": (
        "teams.csv",
        "team_id,team_name\n,One",
        "required",
        2,
        "team_id",
    ),
    "only blanks and spaces in it": (
        "teams.csv",
        "team_id,team_name\nt-1,  ",
        "required",
        2,
        "team_name",
    ),
    "a word outside the closed list": (
        "ownership_rules.csv",
        f"{RULES}\nr,1,apikey,,k,bot,",
        "vocabulary",
        2,
        "match_on",
    ),
    "a source the settings do not name": (
        "routes.csv",
        f"{ROUTES}\nr,1,litelm,,,openai,org,,",
        "vocabulary",
        2,
        "source",
    ),
    "a rank that is not whole": (
        "ownership_rules.csv",
        f"{RULES}\nr,1.0,api_key,,k,bot,",
        "integer",
        2,
        "rank",
    ),
    "a price with a thousands comma": (
        "contract_prices.csv",
        f'{PRICES}\nopenai,openai,m,output,USD,"1,5",,',
        "amount",
        2,
        "price_per_million",
    ),
    "a price with an exponent": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,output,USD,1e3,,",
        "amount",
        2,
        "price_per_million",
    ),
    "a context band that is no number": (
        "contract_prices.csv",
        f"{PRICES},min_input_tokens\nopenai,openai,m,output,USD,1,,,200k",
        "integer",
        2,
        "min_input_tokens",
    ),
    "a geography in capitals": (
        "contract_prices.csv",
        f"{PRICES},inference_geo\nopenai,openai,m,output,USD,1,,,US",
        "form",
        2,
        "inference_geo",
    ),
    "a price factor below zero": (
        "price_modifiers.csv",
        f"{MODIFIERS}\n1,openai,openai,,,-1",
        "negative",
        2,
        "factor",
    ),
    "an attribute that no price has": (
        "price_modifiers.csv",
        f"{MODIFIERS}\n1,openai,openai,region,us,1.1",
        "vocabulary",
        2,
        "attribute",
    ),
    "a price with too many fractional digits": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,output,USD,0.1234567,,",
        "amount",
        2,
        "price_per_million",
    ),
    "a price with too many whole digits": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,output,USD,1234567890123,,",
        "amount",
        2,
        "price_per_million",
    ),
    "a price that is not a number": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,output,USD,NaN,,",
        "amount",
        2,
        "price_per_million",
    ),
    "a price below zero": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,output,USD,-1,,",
        "negative",
        2,
        "price_per_million",
    ),
    "a meter there is not": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,outputs,USD,1,,",
        "vocabulary",
        2,
        "meter",
    ),
    "an issuer in capitals": (
        "contract_prices.csv",
        f"{PRICES}\nOpenAI,openai,m,output,USD,1,,",
        "form",
        2,
        "issuer",
    ),
    "a currency in small letters": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,output,usd,1,,",
        "currency",
        2,
        "currency",
    ),
    "a currency there is not": (
        "fx_rates.csv",
        f"{FX}\n2026-10-01,USD,XYZ,1",
        "currency",
        2,
        "to_currency",
    ),
    "a rate of zero": ("fx_rates.csv", f"{FX}\n2026-10-01,EUR,USD,0", "rate", 2, "rate"),
    "a rate below zero": ("fx_rates.csv", f"{FX}\n2026-10-01,EUR,USD,-1.1", "rate", 2, "rate"),
    "a day there is not": ("fx_rates.csv", f"{FX}\n2026-02-30,EUR,USD,1", "date", 2, "rate_date"),
    "a day written in another order": (
        "fx_rates.csv",
        f"{FX}\n30.10.2026,EUR,USD,1",
        "date",
        2,
        "rate_date",
    ),
    "an instant without a zone": (
        "applications.csv",
        f"{APPS}\na,A,cc-1,2026-10-14T12:00:00,",
        "zone",
        2,
        "valid_from",
    ),
    "an instant there is not": (
        "applications.csv",
        f"{APPS}\na,A,cc-1,2026-10-14T25:00:00Z,",
        "instant",
        2,
        "valid_from",
    ),
    "a period that is not a month": (
        "invoices.csv",
        f"{INVOICES}\ni1,openai,org,2026-10-02,USD,1,",
        "billing_period",
        2,
        "billing_period",
    ),
    "a share of nothing": (
        "ownership_rules.csv",
        f"{RULES}\nr,1,api_key,,k,bot,0",
        "share",
        2,
        "share",
    ),
    "a share above one": (
        "ownership_rules.csv",
        f"{RULES}\nr,1,api_key,,k,bot,50",
        "share",
        2,
        "share",
    ),
    "a share in percent": (
        "ownership_rules.csv",
        f"{RULES}\nr,1,api_key,,k,bot,50%",
        "amount",
        2,
        "share",
    ),
    "a control character": (
        "teams.csv",
        "team_id,team_name\nt-1,a\x07b",
        "control_character",
        2,
        "team_name",
    ),
    "a line break in a cell": (
        "teams.csv",
        'team_id,team_name\nt-1,"a\nb"',
        "control_character",
        2,
        "team_name",
    ),
    "letters that run backwards": (
        "teams.csv",
        "team_id,team_name\nt-1,a\u202eb",
        "control_character",
        2,
        "team_name",
    ),
    "the e-mail of an owner": (
        "applications.csv",
        "application_id,application_name,cost_center_id,business_owner\na,A,cc-1,jo@acme.example",
        "personal_data",
        2,
        "business_owner",
    ),
    "a reserved owner": (
        "cost_centers.csv",
        "cost_center_id,cost_center_name\ncc-1,A\ncc-2,B\n__shared__,C",
        "reserved",
        4,
        "cost_center_id",
    ),
    "yes for a boolean": (
        "outcome_definitions.yaml",
        "- outcome_type: a\n  outcome_name: A\n  is_confirmed_only: yes",
        "boolean",
        1,
        "is_confirmed_only",
    ),
}
FILES = {
    "a column that is missing": ("teams.csv", "team_id\nt-1", "missing_column", 1, "team_name"),
    "a column that is misspelt": (
        "teams.csv",
        "team_id,team_name,parent_tem_id\nt-1,A,",
        "unknown_column",
        1,
        "parent_tem_id",
    ),
    "a column that is there twice": (
        "teams.csv",
        "team_id,team_name,team_name\nt-1,A,B",
        "duplicate_column",
        1,
        "team_name",
    ),
    "semicolons": ("teams.csv", "team_id;team_name\nt-1;A", "separator", 1, None),
    "a row that is too long": ("teams.csv", "team_id,team_name\nt-1,A,B", "cells", 2, None),
    "a row that is too short": ("teams.csv", "team_id,team_name\nt-1,A\nt-2", "cells", 3, None),
    "a quote that never ends": ("teams.csv", 'team_id,team_name\nt-1,"A', "unreadable", 2, None),
    "nothing but comments": ("teams.csv", "# team_id,team_name\n", "unreadable", None, None),
    "a name nobody reads": ("team.csv", "team_id,team_name\n", "unknown_file", None, None),
    "YAML that is not a list": (
        "outcome_definitions.yaml",
        "outcome_type: a",
        "shape",
        1,
        None,
    ),
    "YAML that nests": (
        "outcome_definitions.yaml",
        "- outcome_type: [a]",
        "shape",
        1,
        None,
    ),
    "YAML with a misspelt field": (
        "outcome_definitions.yaml",
        "- outcome_type: a\n  outcome_name: A\n  aplication_id: bot",
        "unknown_column",
        3,
        "aplication_id",
    ),
    "YAML with a key twice": (
        "outcome_definitions.yaml",
        "- outcome_type: a\n  outcome_name: A\n  outcome_name: B",
        "duplicate_key",
        3,
        "[0].outcome_name",
    ),
    "YAML that is none": ("outcome_definitions.yaml", "- a: [", "unreadable", 1, None),
}
ROWS = {
    "a value of no attribute": (
        "price_modifiers.csv",
        f"{MODIFIERS}\n1,openai,openai,,us,1.1",
        "modifier_value",
        2,
        "value",
    ),
    "an attribute without a value": (
        "price_modifiers.csv",
        f"{MODIFIERS}\n1,openai,openai,inference_geo,,1.1",
        "modifier_value",
        2,
        "value",
    ),
    "a tier there is not": (
        "price_modifiers.csv",
        f"{MODIFIERS}\n1,openai,openai,service_tier,turbo,2",
        "modifier_value",
        2,
        "value",
    ),
    "a size that is no number": (
        "price_modifiers.csv",
        f"{MODIFIERS}\n1,openai,openai,input_tokens,200k,2",
        "modifier_value",
        2,
        "value",
    ),
    "two modifiers of one rank": (
        "price_modifiers.csv",
        f"{MODIFIERS}\n1,openai,openai,,,0.9\n1,openai,openai,,,0.8",
        "overlap",
        3,
        "rank",
    ),
    "two contract prices of one band and geography": (
        "contract_prices.csv",
        f"{PRICES},min_input_tokens,inference_geo\n"
        "openai,openai,m,output,USD,1,,,272000,us\nopenai,openai,m,output,USD,2,,,272000,us",
        "overlap",
        3,
        "issuer",
    ),
    "a team twice": ("teams.csv", "team_id,team_name\nt-1,A\nt-1,B", "duplicate", 3, "team_id"),
    "two rates on one day": (
        "fx_rates.csv",
        f"{FX}\n2026-10-01,EUR,USD,1\n2026-10-01,EUR,USD,1.1",
        "duplicate",
        3,
        "rate_date",
    ),
    "an invoice twice": (
        "invoices.csv",
        f"{INVOICES}\n{INVOICE}\n{INVOICE}",
        "duplicate",
        3,
        "invoice_id",
    ),
    "a row that ends before it begins": (
        "applications.csv",
        f"{APPS}\nbot,A,cc-1,2026-10-02,2026-10-01",
        "empty_range",
        2,
        "valid_to",
    ),
    "a row that ends when it begins": (
        "applications.csv",
        f"{APPS}\nbot,A,cc-1,2026-10-02,2026-10-02T00:00:00Z",
        "empty_range",
        2,
        "valid_to",
    ),
    "an application with two owners at once": (
        "applications.csv",
        f"{APPS}\nbot,A,cc-1,,2026-10-02\nbot,A,cc-2,2026-10-01,\nsearch,S,cc-1,,",
        "overlap",
        3,
        "application_id",
    ),
    "a person in two units at once, in other letters": (
        "users.csv",
        "user_id,cost_center_id\nJo@acme.example,cc-1\njo@ACME.example,cc-2",
        "overlap",
        3,
        "user_id",
    ),
    "two prices at once": (
        "contract_prices.csv",
        f"{PRICES}\nopenai,openai,m,output,USD,1,2026-01-01,\nopenai,openai,m,output,USD,2,2026-02-01,",
        "overlap",
        3,
        "issuer",
    ),
    "a route twice at once": (
        "routes.csv",
        f"{ROUTES}\nr,1,,openai,,openai,org,,\nr,2,,openai,,openai,org,,",
        "overlap",
        3,
        "route_id",
    ),
    "routes of equal rank that cross": (
        "routes.csv",
        f"{ROUTES}\na,1,,openai,,openai,org,,\nb,1,,,d1,openai,org,,",
        "overlap",
        3,
        "rank",
    ),
    "rules of equal rank for one value": (
        "ownership_rules.csv",
        f"{DATED}\na,1,api_key,,k,bot,2026-01-01,\nb,1,api_key,,k,search,2026-06-01,",
        "overlap",
        3,
        "rank",
    ),
    "a rule for any source beside one for a source": (
        "ownership_rules.csv",
        f"{DATED}\na,1,api_key,,k,bot,,\nb,1,api_key,openai-bill,k,search,,",
        "overlap",
        3,
        "rank",
    ),
    "rules for one person in other letters": (
        "ownership_rules.csv",
        f"{DATED}\na,1,user,,Jo,bot,,\nb,1,user,,jo ,search,,",
        "overlap",
        3,
        "rank",
    ),
    "an application twice in a rule": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bot,0.5\na,1,api_key,,k,bot,0.5",
        "overlap",
        3,
        "rule_id",
    ),
    "shares that do not add up": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bot,0.3\na,1,api_key,,k,search,0.6",
        "shares",
        2,
        "share",
    ),
    "one share that is a part": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bot,0.3",
        "shares",
        2,
        "share",
    ),
    "thirds that are two": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bot,1/3\na,1,api_key,,k,search,1/3",
        "shares",
        2,
        "share",
    ),
    "a fraction of nothing": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bot,1/0",
        "amount",
        2,
        "share",
    ),
    "a fraction above one": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bot,4/3",
        "share",
        2,
        "share",
    ),
    "rows of a rule that differ": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bot,0.5\na,1,api_key,,j,search,0.5",
        "rule_differs",
        3,
        "match_value",
    ),
    "a rule for an application there is not": (
        "ownership_rules.csv",
        f"{RULES}\na,1,api_key,,k,bott,",
        "dangling",
        2,
        "application_id",
    ),
    "a rule on a tag that says no tag": (
        "ownership_rules.csv",
        f"{RULES}\na,1,call_tag,,v,bot,",
        "tag_key",
        2,
        "match_key",
    ),
    "a route on a tag that says no tag": (
        "routes.csv",
        "route_id,rank,source,provider,deployment_id,project_id,issuer,billing_account_id,"
        "sub_account_id,valid_from,valid_to,tag_value\nr,1,,,,,openai,org,,,,shop",
        "tag_key",
        2,
        "tag_key",
    ),
    "a key that would be ignored": (
        "ownership_rules.csv",
        f"{RULES}\na,1,gateway_team,app,v,bot,",
        "unused",
        2,
        "match_key",
    ),
    "a person in a cost centre there is not": (
        "users.csv",
        "user_id,cost_center_id\njo,cc-9",
        "dangling",
        2,
        "cost_center_id",
    ),
    "an application of a team there is not": (
        "applications.csv",
        "application_id,application_name,cost_center_id,team_id\nbot,B,cc-1,t-2",
        "dangling",
        2,
        "team_id",
    ),
    "an item of an invoice there is not": (
        "reconciling_items.csv",
        "invoice_id,item,amount,evidence\ni9,x,1,y",
        "dangling",
        2,
        "invoice_id",
    ),
    "a team above itself": (
        "teams.csv",
        "team_id,team_name,parent_team_id\nt-1,A,t-2\nt-2,B,t-1",
        "cycle",
        2,
        "parent_team_id",
    ),
    "a cost centre that is its own parent": (
        "cost_centers.csv",
        "cost_center_id,cost_center_name,parent_cost_center_id\ncc-1,A,\ncc-2,B,cc-2",
        "cycle",
        3,
        "parent_cost_center_id",
    ),
    "a shared rule for a cost centre there is not": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,direct,cc-9,,",
        "dangling",
        2,
        "cost_center_id",
    ),
    "a direct rule without a target": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,direct,,,",
        "method",
        2,
        "cost_center_id",
    ),
    "a direct rule with two targets": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,direct,cc-1,,\ns,1,,direct,cc-2,,",
        "method",
        3,
        "cost_center_id",
    ),
    "a central rule without a target": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,central,,,",
        "method",
        2,
        "cost_center_id",
    ),
    "a list of targets with a blank one": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,even,cc-1,,\ns,1,,even,,,",
        "method",
        3,
        "cost_center_id",
    ),
    "a fixed rule without a share": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,fixed,cc-1,,",
        "method",
        2,
        "share",
    ),
    "fixed shares that do not add up": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,fixed,cc-1,0.4,\ns,1,,fixed,cc-2,0.4,",
        "shares",
        2,
        "share",
    ),
    "a share that even would ignore": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,even,cc-1,1,",
        "method",
        2,
        "share",
    ),
    "usage without a driver": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,usage,,,",
        "method",
        2,
        "driver",
    ),
    "shared rules of equal rank that cross": (
        "shared_cost_rules.csv",
        f"{SHARED}\ns,1,,even,,,\nu,1,openai,even,,,",
        "overlap",
        3,
        "rank",
    ),
}


@pytest.mark.parametrize("case", [*CELLS, *FILES, *ROWS])
def test_a_problem_is_told_where_it_is_and_alone(company, case):
    file, text, rule, line, column = {**CELLS, **FILES, **ROWS}[case]
    company.reference({file: text})

    assert company.found() == [(rule, file, line, column)]


@pytest.mark.parametrize("case", [*CELLS, *FILES, *ROWS])
def test_a_problem_stops_loading_and_says_what_to_do_in_one_line(company, case):
    file, text, rule, _, _ = {**CELLS, **FILES, **ROWS}[case]
    company.reference({file: text})

    (problem,) = company.check().problems
    said = str(problem)
    assert "\n" not in said
    assert said.endswith(f"[{rule}]")
    assert problem.fix
    assert problem.message[-1] + problem.fix[-1] in ("..", ".?")


def test_all_problems_of_all_files_are_told_at_once(company):
    company.reference(
        {
            "teams.csv": "team_id,team_name\nt-1,A\nt-1,B\n",
            "fx_rates.csv": f"{FX}\n2026-13-01,EUR,USD,0\n",
            "team.csv": "",
        }
    )

    assert company.found() == [
        ("rate", "fx_rates.csv", 2, "rate"),
        ("date", "fx_rates.csv", 2, "rate_date"),
        ("unknown_file", "team.csv", None, None),
        ("duplicate", "teams.csv", 3, "team_id"),
    ]


def test_the_shares_that_do_not_add_up_are_told_with_their_sum_and_lines(company):
    text = f"{RULES}\na,1,api_key,,k,bot,0.333333333333\na,1,api_key,,k,search,0.666666666666"
    company.reference({"ownership_rules.csv": text})

    (problem,) = company.check().problems
    assert "'a' (line 2, 3) add up to 0.999999999999, not 1" in problem.message


def test_shares_that_add_up_exactly_are_taken(company):
    text = f"{RULES}\na,1,api_key,,k,bot,0.333333333333\na,1,api_key,,k,search,0.666666666667"
    company.reference({"ownership_rules.csv": text})

    assert company.found() == []


def test_rules_that_clash_are_told_with_both_lines_and_both_ids(company):
    text = f"{DATED}\n\nfirst,1,api_key,,k,bot,,\nsecond,1,api_key,,k,search,,"
    company.reference({"ownership_rules.csv": text})

    (problem,) = company.check().problems
    assert problem.line == 4
    assert "'second' and 'first' on line 3" in problem.message


def test_rules_that_follow_one_another_do_not_clash(company):
    text = (
        f"{DATED}\na,1,api_key,,k,bot,,2026-10-14T12:00:00Z\n"
        "b,1,api_key,,k,search,2026-10-14T14:00:00+02:00,\n"
        "c,2,api_key,,k,search,,\n"
    )
    company.reference({"ownership_rules.csv": text})

    assert company.found() == []


def test_a_cycle_is_shown_step_by_step(company):
    text = "team_id,team_name,parent_team_id\nt-1,A,t-2\nt-2,B,t-3\nt-3,C,t-2\n"
    company.reference({"teams.csv": text})

    (problem,) = company.check().problems
    assert problem.message == "It is its own parent: 't-2' -> 't-3' -> 't-2'."


def test_a_misspelt_id_gets_a_suggestion(company):
    company.reference({"ownership_rules.csv": f"{RULES}\na,1,api_key,,k,serch,"})

    (problem,) = company.check().problems
    assert problem.fix == "Did you mean 'search'?"


def test_no_message_repeats_what_people_wrote(company):
    secret = "sk-live-3141592653589793"
    company.reference(
        {
            "applications.csv": f"{APPS},charge_to\nbot,A,{secret} x@y,{secret},,{secret}\n",
            "users.csv": f"user_id,cost_center_id\n{secret},cc-1\n{secret},cc-2\n",
            "ownership_rules.csv": f"{RULES}\na,{secret},{secret},,{secret},bot,{secret}\n",
            "invoices.csv": f"{INVOICES}\ni1,openai,org,{secret},{secret},{secret},{secret}\n",
        }
    )

    report = company.check()
    assert len(report.problems) >= 9
    assert secret not in "\n".join(map(str, report.problems))


def test_problems_of_one_kind_are_counted_beyond_twenty(company):
    rows = "".join(f"t{i},\n" for i in range(50))
    company.reference({"teams.csv": f"team_id,team_name\nt-1,A\n{rows}"})

    problems = company.check().problems
    assert len(problems) == 21
    assert problems[-1].message == "30 more like the 20 shown."


def test_contract_prices_of_other_bands_geographies_and_times_do_not_clash(company):
    company.reference(
        {
            "contract_prices.csv": (
                f"{PRICES},min_input_tokens,inference_geo\n"
                "openai,openai,m,output,USD,1,,,,\n"
                "openai,openai,m,output,USD,2,,,272000,\n"
                "openai,openai,m,output,USD,3,,2026-10-01,272000,us\n"
                "openai,openai,m,output,USD,4,2026-10-01,,272000,us\n"
            ),
            "price_modifiers.csv": (
                f"{MODIFIERS}\n1,openai,openai,,,0.9\n2,openai,openai,inference_geo,*,1.05\n"
                "3,openai,openai,input_tokens,200000,2\n4,openai,openai,service_tier,batch,0.5\n"
            ),
        }
    )

    assert company.found() == []


def test_every_spelling_of_a_provider_is_the_same_one(company):
    company.reference(
        {
            "contract_prices.csv": (
                f"{PRICES}\nx,xai,grok-4,output,USD,1,,\nx,x-ai,grok-4,output,USD,2,,\n"
            ),
            "routes.csv": "route_id,rank,provider,issuer,billing_account_id\na,1,xai,x,acc\n",
        }
    )

    assert company.found() == [("overlap", "contract_prices.csv", 3, "issuer")]


def test_a_name_that_looks_like_a_known_one_is_a_warning(company):
    company.reference(
        {
            "contract_prices.csv": (
                f"{PRICES}\nopenai,openai,gtp-4o-mini,output,USD,1,,\n"
                "me,opneai,gpt-4o,output,USD,1,,\nme,openai,a-name-of-our-own,output,USD,1,,\n"
            )
        }
    )
    warnings = [w for w in company.check().warnings if w.rule == "unknown_name"]

    assert [(w.line, w.column) for w in warnings] == [(2, "model_id"), (3, "provider")]
    assert "'gpt-4o-mini'" in warnings[0].fix
    assert "'openai'" in warnings[1].fix

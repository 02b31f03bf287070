"""Acme's register: applications, teams, cost centres and people. Nothing here is random."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Application:
    """An entry of the register, as of the first simulated day."""

    application_id: str
    name: str
    team_id: str
    cost_center_id: str
    environment: str
    use_case: str
    model_tier: str
    data_class: str


APPLICATIONS: tuple[Application, ...] = (
    Application(
        "support-bot",
        "Support bot",
        "t-care",
        "cc-care",
        "production",
        "customer support",
        "mid",
        "personal",
    ),
    Application(
        "search-rag",
        "Site search",
        "t-search",
        "cc-product",
        "production",
        "search",
        "small",
        "public",
    ),
    Application(
        "contract-review",
        "Contract review",
        "t-field",
        "cc-legal",
        "production",
        "legal review",
        "mid",
        "confidential",
    ),
    Application(
        "analytics",
        "Analytics",
        "t-search",
        "cc-product",
        "production",
        "reporting",
        "mid",
        "internal",
    ),
    Application(
        "code-assistant",
        "Code assistant",
        "t-platform",
        "cc-eng",
        "production",
        "software engineering",
        "frontier",
        "internal",
    ),
    Application(
        "sales-copilot",
        "Sales copilot",
        "t-field",
        "cc-sales",
        "production",
        "sales",
        "mid",
        "personal",
    ),
    Application(
        "intranet-chat",
        "Intranet chat",
        "t-platform",
        "cc-eng",
        "production",
        "knowledge",
        "small",
        "internal",
    ),
    Application(
        "hr-helper",
        "HR helper",
        "t-platform",
        "cc-care",
        "production",
        "human resources",
        "small",
        "personal",
    ),
    Application(
        "ml-lab",
        "ML lab",
        "t-search",
        "cc-eng",
        "development",
        "research",
        "frontier",
        "internal",
    ),
)

COST_CENTERS = {
    "cc-acme": ("Acme", ""),
    "cc-care": ("Customer care", "cc-acme"),
    "cc-product": ("Product", "cc-acme"),
    "cc-eng": ("Engineering", "cc-acme"),
    "cc-legal": ("Legal", "cc-acme"),
    "cc-sales": ("Sales", "cc-acme"),
}
TEAMS = {
    "t-care": ("Care", ""),
    "t-search": ("Search and data", ""),
    "t-platform": ("Platform", ""),
    "t-field": ("Field", ""),
}
USER_COUNT = 200
USER_COST_CENTERS = ("cc-eng", "cc-eng", "cc-product", "cc-care", "cc-sales")


def user_ids() -> tuple[str, ...]:
    """Raw ids of the employees: most are staff numbers, every tenth looks like an e-mail."""
    return tuple(
        f"person{n:04d}@acme.example" if n % 10 == 0 else f"emp-{n:04d}"
        for n in range(1, USER_COUNT + 1)
    )


def user_cost_center(user: int) -> str:
    """The cost centre of the employee at this position of `user_ids`."""
    return USER_COST_CENTERS[user % len(USER_COST_CENTERS)]

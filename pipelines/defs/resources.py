"""The one thing a run is given: the folder of the workspace. Environment variables enter here."""

from pathlib import Path

import dagster as dg

from models.settings import WorkspaceSettings
from pipelines.workspace import Workspace, WorkspaceError, load_workspace, open_workspace

DEFAULT_WORKSPACE = "data_samples/acme"
_FOLDER = dg.EnvVar("EVERYCENT_WORKSPACE")


class WorkspaceFolder(dg.ConfigurableResource["WorkspaceFolder"]):
    """Where the workspace is. Secrets are not settings: the pseudonym key stays in the environment.

    Attributes:
        folder: A path, absolute or below the directory Dagster was started in.
    """

    folder: str

    def load(self) -> Workspace:
        """Open the workspace for work.

        Raises:
            WorkspaceError: Anything is wrong with it.
        """
        return load_workspace(Path(self.folder))


def settings() -> WorkspaceSettings:
    """The workspace's settings, for drawing the asset graph. Needs no pseudonym key.

    Raises:
        WorkspaceError: They cannot be read.
    """
    workspace, problems = open_workspace(Path(_folder()))
    if workspace is None:
        raise WorkspaceError(problems)
    return workspace.settings


def _folder() -> str:
    return _FOLDER.get_value(DEFAULT_WORKSPACE) or DEFAULT_WORKSPACE


@dg.definitions
def resources() -> dg.Definitions:
    """The workspace and how steps run.

    In process: a step per process costs three seconds of start-up, more than most steps take, and
    DuckDB computes the whole warehouse in one session anyway.
    """
    return dg.Definitions(
        resources={"workspace": WorkspaceFolder(folder=_folder())},
        executor=dg.in_process_executor,
    )

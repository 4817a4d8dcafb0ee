"""tools/setup.sh on machines that are only played: stand-ins for apt, dpkg, id and sudo note what they are asked."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = """# comment
run   alpha           no-such-command-a
run   beta|beta-dev
test  gamma           sh
test  delta
"""


class Machine:
    """A folder with the project's setup.sh, a short package list, and a PATH of stand-ins."""

    def __init__(self, folder, installed=(), known=("alpha", "beta", "beta-dev", "gamma", "delta"), uid=0, sudo=False):
        self.folder = pathlib.Path(folder)
        (self.folder / "tools").mkdir()
        (self.folder / "build/log").mkdir(parents=True)
        (self.folder / "bin").mkdir()
        (self.folder / "tools/setup.sh").write_text((ROOT / "tools/setup.sh").read_text())
        (self.folder / "tools/packages.txt").write_text(PACKAGES)
        (self.folder / "installed").write_text("\n".join(installed) + "\n")
        (self.folder / "known").write_text("\n".join(known) + "\n")
        state = f"cd {self.folder}"
        self.stand_in("dpkg-query", f'{state}; for name; do :; done; grep -qx "$name" installed && printf installed')
        self.stand_in("apt-cache", f'{state}; grep -qx "$2" known')
        self.stand_in("apt-get", f'{state}; echo "apt-get $*" >>calls\n'
                      'case "$*" in *" install "*) for name; do grep -x "$name" known >>installed; done ;; esac')  # fmt: skip
        self.stand_in("id", f"echo {uid}")
        if sudo:
            self.stand_in("sudo", f'{state}; echo "sudo $*" >>calls; if [ "$1" = -n ]; then shift; fi; "$@"')

    def stand_in(self, name, body):
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def need(self, *purposes):
        script = "set -euo pipefail; . tools/setup.sh; need_packages ./run " + " ".join(purposes)
        # The real sudo must not be found: of the system only the folders of the tools used are on the PATH.
        tools = self.folder / "system"
        tools.mkdir()
        for name in ("bash", "sh", "env", "grep", "tail", "awk", "nproc", "cut", "true"):
            (tools / name).symlink_to(subprocess.run(["which", name], capture_output=True, text=True).stdout.strip())
        env = {"PATH": f"{self.folder}/bin:{tools}", "HOME": str(self.folder)}
        return subprocess.run(["bash", "-c", script], cwd=self.folder, env=env, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=60)  # fmt: skip

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


class Packages(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)

    def machine(self, **options):
        return Machine(self.scratch.name, **options)

    def test_nothing_is_asked_where_everything_is_there(self):
        machine = self.machine(installed=("alpha", "beta-dev"), known=("alpha", "beta-dev"), uid=1000)
        done = machine.need("run")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(machine.calls(), [])

    def test_root_installs_what_is_missing_and_only_that(self):
        machine = self.machine(installed=("beta",))
        done = machine.need("run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(machine.calls()), 2)
        self.assertTrue(machine.calls()[0].endswith(" update"))
        self.assertTrue(machine.calls()[1].endswith(" install -y --no-install-recommends alpha"))

    def test_a_command_stands_for_its_package(self):
        machine = self.machine(installed=("alpha", "beta"))
        done = machine.need("run", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(machine.calls()[1].endswith(" delta"))

    def test_the_first_name_that_exists_is_taken(self):
        machine = self.machine(installed=("alpha",), known=("beta-dev",))
        done = machine.need("run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(machine.calls()[1].endswith(" beta-dev"))

    def test_an_older_name_that_is_installed_does_not_hide_the_better_one(self):
        machine = self.machine(installed=("alpha", "beta-dev"))
        done = machine.need("run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(machine.calls()[1].endswith(" beta"))

    def test_without_root_one_sentence_names_the_command(self):
        machine = self.machine(uid=1000)
        done = machine.need("run")
        self.assertEqual(done.returncode, 1)
        self.assertIn("only root can install them", done.stderr)
        self.assertIn("apt-get update && apt-get install --no-install-recommends -y alpha beta\n", done.stderr)
        self.assertEqual(machine.calls(), [])

    def test_sudo_is_used_where_it_asks_nothing(self):
        machine = self.machine(installed=("beta",), uid=1000, sudo=True)
        done = machine.need("run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(machine.calls()[-2].startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get"))

    def test_root_by_sudo_is_refused_in_a_folder_of_somebody_else(self):
        machine = self.machine(sudo=True)
        machine.stand_in("stat", "echo 1000")
        script = "set -euo pipefail; . tools/setup.sh; refuse_sudo ./run; echo went on"
        for user, expected in (("ann", (1, "")), ("", (0, "went on\n"))):
            env = {"PATH": f"{machine.folder}/bin:{os.environ['PATH']}", "SUDO_USER": user}
            done = subprocess.run(["bash", "-c", script], cwd=machine.folder, env=env, text=True, capture_output=True)
            self.assertEqual((done.returncode, done.stdout), expected)
            self.assertEqual("without sudo" in done.stderr, bool(user))

    def test_a_build_made_elsewhere_is_configured_anew(self):
        machine = self.machine()
        machine.stand_in("cmake", f'cd {machine.folder}; echo "$*" >>calls; mkdir -p build/x; '
                         'echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" >build/x/CMakeCache.txt')  # fmt: skip
        script = "set -euo pipefail; . tools/setup.sh; configure x -DA=1"
        cache = machine.folder / "build/x/CMakeCache.txt"
        for before, expected in ((None, "-DA=1"), ("same", ""), ("/elsewhere", "-DA=1")):
            if before == "/elsewhere":
                cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n")
            env = {"PATH": f"{machine.folder}/bin:{os.environ['PATH']}"}
            subprocess.run(["bash", "-c", script], cwd=machine.folder, env=env, check=True)
            self.assertEqual(machine.calls()[-1], f"--preset x {expected}".strip())

    def test_a_failed_install_says_where_its_log_is(self):
        machine = self.machine()
        machine.stand_in("apt-get", 'echo "E: no such host"; exit 100')
        done = machine.need("run")
        self.assertEqual(done.returncode, 1)
        self.assertIn("E: no such host", done.stderr)
        self.assertIn("build/log/apt.log", done.stderr)


class Scripts(unittest.TestCase):
    def test_help_and_unknown_options(self):
        for script, words in (("run", "./run --link"), ("test", "./test --quick")):
            told = subprocess.run([ROOT / script, "--help"], capture_output=True, text=True, cwd="/")
            self.assertEqual(told.returncode, 0)
            self.assertIn(words, told.stdout)
            self.assertNotIn("#", told.stdout)
        refused = subprocess.run([ROOT / "run", "--lnik"], capture_output=True, text=True, cwd="/")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("there is no option --lnik", refused.stderr)
        refused = subprocess.run([ROOT / "test", "--quik"], capture_output=True, text=True, cwd="/")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("there is no option --quik", refused.stderr)

    def test_ci_calls_test_alone(self):
        lines = (ROOT / ".ci/run").read_text().splitlines()
        self.assertEqual([line for line in lines if "test" in line and not line.startswith("#")], ['exec ./test "$@"'])
        self.assertTrue(os.access(ROOT / ".ci/run", os.X_OK))


if __name__ == "__main__":
    unittest.main()

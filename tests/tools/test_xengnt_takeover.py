# SPDX-License-Identifier: GPL-2.0
"""tools/xengnt-takeover on a root of its own, with programs that stand in for Debian's."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from sample_modules import GRANT, RELEASE, Tree, missing_programs, program

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "xengnt-takeover"
OPTIONS = "etc/modprobe.d/xengnt-takeover.conf"
LOAD = "etc/modules-load.d/xengnt-takeover.conf"
HOOK = "etc/initramfs-tools/hooks/xengnt-takeover"
FILES = {OPTIONS, LOAD, HOOK}
OTHER = "6.1.0-1-other"

# Writes for each kernel what lsinitramfs shall list. FOLDER/fails has the number of calls that fail;
# with FOLDER/idle it succeeds and writes nothing.
UPDATE_INITRAMFS = """
echo "$*" >>{folder}/calls
if [ -s {folder}/then ]; then . {folder}/then; fi
if [ -s {folder}/fails ]; then
	left=$(cat {folder}/fails)
	: >{folder}/fails
	[ "$left" = 1 ] || echo $((left - 1)) >{folder}/fails
	echo "no space left in /boot" >&2
	exit 1
fi
[ ! -e {folder}/idle ] || exit 0
for vmlinuz in {root}/boot/vmlinuz-*; do
	release=${{vmlinuz##*/vmlinuz-}}
	{{
		(cd {root} && ls etc/modprobe.d/*.conf 2>/dev/null)
		module=lib/modules/$release/updates/xengnt.ko
		[ ! -x {root}/%s ] || [ ! -e {root}/$module ] || echo usr/$module
		[ ! -e {root}/rebound ] || echo usr/$module
	}} >{root}/boot/initrd.img-$release
done
""" % HOOK


def default_signals():
    """A shell cannot trap what was ignored when it started: in the background, for example."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Case(unittest.TestCase):
    def setUp(self):
        missing = missing_programs("gcc", "depmod", "modinfo", "modprobe")
        self.assertEqual(missing, [], "install kmod and gcc")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.root = self.folder / "root"
        self.tree = Tree(self.root)
        self.tree.xengnt()
        for path in (OPTIONS, LOAD, HOOK, "boot/x", "usr/sbin/x", "sys/module/x"):
            (self.root / path).parent.mkdir(parents=True)
        (self.root / "etc/modprobe.d/other.conf").write_text("options dummy numdummies=1\n", encoding="ascii")
        self.kernel_files(RELEASE)
        self.program("id", "echo 0")
        self.program("uname", f"echo {RELEASE}")
        self.program("lsinitramfs", 'cat "$1"')
        self.program("chroot", 'root=$1 command=$2; shift 2; exec "$root/usr/sbin/$command" "$@"')
        program(self.root / "usr/sbin", "update-initramfs",
                UPDATE_INITRAMFS.format(folder=self.folder, root=self.root))

    def kernel_files(self, release):
        for name in (f"vmlinuz-{release}", f"initrd.img-{release}"):
            (self.root / "boot" / name).write_text("etc/modprobe.d/other.conf\n", encoding="ascii")
        self.config("CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y\n# CONFIG_LTO is not set\n", release)

    def config(self, text, release=RELEASE):
        (self.root / "boot" / f"config-{release}").write_text(text, encoding="ascii")

    def program(self, name, text):
        program(self.folder / "bin", name, text)

    def write(self, path, text):
        (self.root / path).write_text(text, encoding="ascii")

    def run_tool(self, *words):
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run([TOOL, "--root", self.root, *words], check=False, capture_output=True, text=True,
                              env={**os.environ, "PATH": path, "TMPDIR": str(self.temporary())},
                              preexec_fn=default_signals)
        self.assertEqual(list(self.temporary().iterdir()), [], "a temporary file is left")
        return done.returncode, done.stdout, done.stderr

    def temporary(self):
        path = self.folder / "tmp"
        path.mkdir(exist_ok=True)
        return path

    def succeeds(self, *words):
        status, out, err = self.run_tool(*words)
        self.assertEqual((status, err), (0, ""), out)
        return out

    def fails(self, pattern, *words):
        """An error that matches, and every file and directory is as it was."""
        before = self.everything()
        status, out, err = self.run_tool(*words)
        self.assertEqual(status, 1, out)
        self.assertRegex(err, pattern)
        self.assertEqual(self.everything(), before)
        return err

    def everything(self):
        folders = {str(path.relative_to(self.root)): "directory" for path in self.root.rglob("*") if path.is_dir()}
        return {**folders, **self.tree.content()}

    def calls(self):
        path = self.folder / "calls"
        return path.read_text(encoding="ascii").splitlines() if path.exists() else []

    def ours(self):
        return {path for path in self.tree.content() if "takeover" in path}

    def image(self, release=RELEASE):
        return (self.root / "boot" / f"initrd.img-{release}").read_text(encoding="ascii")

    def modprobe(self, *words):
        return subprocess.run(["modprobe", "-d", self.root, "-C", self.root / "etc/modprobe.d", "-S", RELEASE, *words],
                              check=True, capture_output=True, text=True).stdout


class Enabling(Case):
    def test_files_and_initramfs(self):
        out = self.succeeds("enable")
        self.assertEqual(self.ours(), FILES)
        self.assertEqual(self.calls(), ["-u -k all"])
        self.assertIn("xengnt.ko", self.image())
        self.assertIn(OPTIONS, self.image())
        self.assertIn("reboot", out)
        self.assertIn("xengnt.takeover=0", out)
        lines = (self.root / LOAD).read_text(encoding="ascii").splitlines()
        self.assertEqual([line for line in lines if not line.startswith("#")], ["xengnt"])
        modes = {path: (self.root / path).stat().st_mode & 0o777 for path in FILES}
        self.assertEqual(modes, {OPTIONS: 0o644, LOAD: 0o644, HOOK: 0o755})

    def test_modprobe_loads_xengnt_first_with_its_option(self):
        for driver in ("xen-netfront", "xen-blkfront", "xen-netback", "xen-blkback", "xen-gntdev", "xen-gntalloc"):
            self.tree.driver(driver, imports=(GRANT,))
            self.assertNotIn("xengnt.ko", self.modprobe("-D", driver))
        self.succeeds("enable")
        for driver in ("xen-netfront", "xen-blkfront", "xen-netback", "xen-blkback", "xen-gntdev", "xen-gntalloc"):
            first, second = self.modprobe("-D", driver).splitlines()
            self.assertRegex(first, r"xengnt\.ko takeover=1 *$")
            self.assertIn(f"/{driver}.ko", second)

    def test_twice_is_the_same_as_once(self):
        self.succeeds("enable")
        once = self.everything()
        self.succeeds("enable")
        self.assertEqual(self.everything(), once)

    def test_what_is_missing_or_of_an_earlier_version_is_written_again(self):
        self.succeeds("enable")
        complete = self.everything()
        (self.root / HOOK).unlink()
        text = (self.root / OPTIONS).read_text(encoding="ascii")
        self.write(OPTIONS, text.partition("softdep")[0])
        self.succeeds("enable")
        self.assertEqual(self.everything(), complete)

    def test_a_kernel_without_the_module_is_left_out(self):
        self.kernel_files(OTHER)
        self.succeeds("enable")
        self.assertNotIn("xengnt.ko", self.image(OTHER))

    def test_a_named_kernel(self):
        self.program("uname", f"echo {OTHER}")
        self.fails(f"xengnt.ko is not installed for the kernel {OTHER}", "enable")
        self.succeeds("--kernel", RELEASE, "enable")

    def test_without_initramfs_tools(self):
        shutil.rmtree(self.root / "etc/initramfs-tools")
        (self.root / "usr/sbin/update-initramfs").unlink()
        self.assertIn("initramfs-tools is not installed", self.succeeds("enable"))
        self.assertEqual(self.ours(), {OPTIONS, LOAD})
        self.succeeds("disable")
        self.assertEqual(self.ours(), set())

    def test_without_a_directory_for_modules_to_load(self):
        (self.root / LOAD).parent.rmdir()
        self.write_number_of_failures(1)
        self.fails("update-initramfs failed", "enable")
        self.succeeds("enable")
        self.assertEqual(self.ours(), FILES)

    def write_number_of_failures(self, number):
        (self.folder / "fails").write_text(f"{number}\n", encoding="ascii")

    def test_hook(self):
        self.succeeds("enable")
        functions = self.folder / "functions"
        functions.write_text('force_load() { echo "forced $1"; }\n', encoding="ascii")
        text = (self.root / HOOK).read_text(encoding="ascii")
        self.assertIn(". /usr/share/initramfs-tools/hook-functions\n", text)
        text = text.replace("/usr/share/initramfs-tools/hook-functions", str(functions))
        self.program("modinfo", f'[ "$*" = "-k {RELEASE} xengnt" ]')

        def said(release, *words):
            return subprocess.run(["sh", "-c", text, "hook", *words], check=True, capture_output=True, text=True,
                                  env={"PATH": f"{self.folder / 'bin'}:/bin", "version": release}).stdout
        self.assertEqual(said(RELEASE), "forced xengnt\n")
        self.assertEqual(said(OTHER), "")
        self.assertEqual(said(RELEASE, "prereqs"), "")


class Refusing(Case):
    def refuses(self, pattern, *words):
        self.assertRegex(self.fails(pattern, *words), r"Nothing was changed\n$")
        self.assertEqual(self.calls(), [])

    def test_not_root(self):
        self.program("id", "echo 1000")
        self.refuses("needs root", "enable")
        self.refuses("needs root", "disable")

    def test_module_not_installed(self):
        (self.tree.dir / "updates/xengnt.ko").unlink()
        self.tree.depmod()
        self.refuses(f"not installed for the kernel {RELEASE}: install the package xengnt-dkms", "enable")

    def test_kernel_that_cannot_redirect_functions(self):
        self.config("# CONFIG_DYNAMIC_FTRACE_WITH_ARGS is not set\n")
        self.refuses("cannot redirect functions", "enable")

    def test_kernel_that_is_optimised_as_a_whole(self):
        self.config("CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y\nCONFIG_LTO=y\n")
        self.refuses("optimised as a whole", "enable")

    def test_kernel_whose_configuration_is_not_known(self):
        (self.root / f"boot/config-{RELEASE}").unlink()
        self.succeeds("enable")

    def test_file_of_somebody_else(self):
        for path in sorted(FILES):
            self.write(path, "mine\n")
            self.refuses(f"{path} is not from xengnt-takeover", "enable")
            self.refuses(f"{path} is not from xengnt-takeover", "disable")
            (self.root / path).unlink()

    def test_no_kmod(self):
        shutil.rmtree(self.root / "etc/modprobe.d")
        self.refuses("install the package kmod", "enable")

    def test_wrong_use(self):
        for words in ((), ("on",), ("enable", "disable"), ("enable", "--kernel"), ("--quick", "enable")):
            status, _, err = self.run_tool(*words)
            self.assertEqual(status, 2)
            self.assertIn("usage: xengnt-takeover", err)
        self.assertEqual(self.ours(), set())


class Disabling(Case):
    def test_nothing_is_left(self):
        before = self.everything()
        self.succeeds("enable")
        self.succeeds("disable")
        after = self.everything()
        image = f"boot/initrd.img-{RELEASE}"
        self.assertEqual(after.pop(image), before.pop(image))
        self.assertEqual(after, before)

    def test_not_enabled(self):
        self.assertIn("nothing to do", self.succeeds("disable"))
        self.assertEqual(self.calls(), [])

    def test_an_initramfs_that_still_takes_over(self):
        self.succeeds("enable")
        for path in FILES:
            (self.root / path).unlink()
        self.assertIn("is disabled", self.succeeds("disable"))
        self.assertNotIn(OPTIONS, self.image())

    def test_a_part_of_it(self):
        for initramfs in (self.image(), None):
            self.succeeds("enable")
            (self.root / OPTIONS).unlink()
            if initramfs:
                self.write(f"boot/initrd.img-{RELEASE}", initramfs)
            self.succeeds("disable")
            self.assertEqual(self.ours(), set())

    def test_initramfs_tools_are_gone(self):
        self.succeeds("enable")
        (self.root / "usr/sbin/update-initramfs").unlink()
        self.succeeds("disable")
        self.assertEqual(self.ours(), set())

    def test_it_is_still_on(self):
        self.succeeds("enable")
        parameter = self.root / "sys/module/xengnt/parameters/takeover"
        parameter.parent.mkdir(parents=True)
        parameter.write_text("Y\n", encoding="ascii")
        self.assertIn("still on now", self.succeeds("disable"))


class Failing(Case):
    def failures(self, number):
        (self.folder / "fails").write_text(f"{number}\n", encoding="ascii")

    def test_enable_is_undone(self):
        self.failures(1)
        err = self.fails("no space left.*\n.*update-initramfs failed", "enable")
        self.assertIn("takeover from boot on is not enabled", err)
        self.assertEqual(self.calls(), ["-u -k all"] * 2)

    def test_enable_again_is_undone(self):
        self.succeeds("enable")
        earlier_version = (self.root / OPTIONS).read_text(encoding="ascii").partition("softdep")[0]
        self.write(OPTIONS, earlier_version)
        self.failures(1)
        self.assertIn("takeover from boot on is enabled", self.fails("update-initramfs failed", "enable"))

    def test_disable_is_undone(self):
        self.succeeds("enable")
        self.failures(1)
        self.assertIn("takeover from boot on is enabled", self.fails("update-initramfs failed", "disable"))
        self.succeeds("disable")

    def test_undoing_fails_too(self):
        self.failures(2)
        self.fails("run 'update-initramfs -u -k all' when that is solved", "enable")

    def test_initramfs_is_left_as_it_was(self):
        (self.folder / "idle").touch()
        self.fails("left .*/boot/initrd.img-.* as it was", "enable")
        (self.folder / "idle").unlink()
        self.succeeds("enable")
        (self.folder / "idle").touch()
        self.fails("left .*/boot/initrd.img-.* as it was", "disable")

    def test_a_file_cannot_be_written(self):
        for path in sorted(FILES):
            folder, name = os.path.split(path)
            obstacle = self.root / folder / f".{name}.new"
            obstacle.mkdir()
            self.fails("could not be written", "enable")
            obstacle.rmdir()
        self.assertEqual(self.calls(), [])

    def test_interrupted(self):
        for name in ("HUP", "INT", "TERM"):
            (self.folder / "then").write_text(f": >{self.folder}/then\nkill -{name} $PPID\n", encoding="ascii")
            self.fails("error: interrupted", "enable")


class Status(Case):
    def status(self, expected, configured, initramfs, running="xengnt is not loaded"):
        before = self.everything()
        status, out, err = self.run_tool("status")
        self.assertEqual(out.splitlines(), [f"configured: {configured}", f"initramfs of {RELEASE}: {initramfs}",
                                            f"running: {running}"])
        self.assertEqual((status, err), (expected, ""))
        self.assertEqual(self.everything(), before)

    def test_off_and_on(self):
        self.status(1, "no", "does not take over")
        self.succeeds("enable")
        self.status(0, "yes", "takes over")
        self.succeeds("disable")
        self.status(1, "no", "does not take over")

    def test_anybody_may_ask(self):
        self.program("id", "echo 1000")
        self.status(1, "no", "does not take over")

    def test_running(self):
        parameter = self.root / "sys/module/xengnt/parameters/takeover"
        parameter.parent.mkdir(parents=True)
        for value, word in (("Y", "on"), ("N", "off")):
            parameter.write_text(f"{value}\n", encoding="ascii")
            self.status(1, "no", "does not take over", word)

    def test_partly(self):
        self.succeeds("enable")
        (self.root / LOAD).unlink()
        self.status(1, f"partly, without {self.root / LOAD}: run xengnt-takeover enable or disable", "takes over")

    def test_no_initramfs(self):
        self.succeeds("enable")
        (self.root / f"boot/initrd.img-{RELEASE}").unlink()
        self.status(0, "yes", "there is none")

    def test_unreadable_initramfs(self):
        self.succeeds("enable")
        self.program("lsinitramfs", "exit 1")
        self.status(0, "yes", "cannot be read, or lsinitramfs is not installed")

    def test_initramfs_of_an_earlier_time(self):
        """A rebound driver brings the module into it, without takeover."""
        (self.root / "rebound").touch()
        old = self.image() + "usr/lib/modules/x/updates/xengnt.ko\n"
        self.succeeds("enable")
        self.write(f"boot/initrd.img-{RELEASE}", old)
        self.status(1, "yes", "does not take over")


if __name__ == "__main__":
    unittest.main()

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// isolatedName is the environment variable that tells a test that it runs in a network of its own.
const isolatedName = "WEIR_TEST_ISOLATED"

// isolated tells whether the test runs in a network namespace of its own. When it does not, it is run again in a
// process that has one, its result becomes that of this test, and the caller has nothing left to do.
func isolated(t *testing.T) bool {
	t.Helper()
	if os.Getenv(isolatedName) != "" {
		output(t, tool(t, "ip"), "link", "set", "lo", "up")
		return true
	}
	tool(t, "ip")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=100s")
	cmd.Env = append(os.Environ(), isolatedName+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	said := &spy{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Skipf("no network namespace of its own, which takes root: %v", err)
	}
	switch err := cmd.Wait(); {
	case err != nil:
		t.Errorf("%v\n%s", err, said)
	case strings.Contains(said.String(), "--- SKIP"):
		t.Skipf("%s", said)
	}
	return false
}

// cable makes two interfaces that are the ends of one cable and on which the kernel sends nothing of its own.
func cable(t *testing.T, a, b string) {
	t.Helper()
	ip := tool(t, "ip")
	if out, err := exec.CommandContext(t.Context(), ip, "link", "add", a, "type", "veth", "peer", "name", b).
		CombinedOutput(); err != nil {
		t.Skipf("this system has no virtual cables: %s", out)
	}
	for _, name := range []string{a, b} {
		// Without this the kernel looks for neighbors and routers. A kernel without IPv6 does not.
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0)
		output(t, ip, "link", "set", name, "up")
	}
	// What is sent before the kernel knows that the cable is in is lost without a word.
	for _, name := range []string{a, b} {
		until(t, "there is a carrier", func() bool {
			link, err := net.InterfaceByName(name)
			return err == nil && link.Flags&net.FlagRunning != 0
		})
	}
}

// transmit sends frames on an interface, a few every 10 ms, as no receiver is endlessly fast.
func transmit(t *testing.T, name string, few int, frames [][]byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, frame := range frames {
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: link.Index}); err != nil {
			t.Fatal(err)
		}
		if i%few == few-1 {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// sizesOf returns the lengths of frames without their link layer.
func sizesOf(frames [][]byte) (s sizes) {
	for _, f := range frames {
		s = append(s, len(f)-14)
	}
	return s
}

// TestCaptureOfAnInterface holds that every frame that is sent over a cable is counted once.
func TestCaptureOfAnInterface(t *testing.T) {
	if !isolated(t) {
		return
	}
	cable(t, "weir-a", "weir-b")
	s := serveExporters(t, "--capture", "weir-b")
	frames := trafficFrames(2000, true)
	transmit(t, "weir-a", 20, frames)
	s.expect("frames", sizesOf(frames).amount(len(frames), 14), len(frames))
}

// openSwitch is a real Open vSwitch that runs without a kernel module.
type openSwitch struct {
	t   *testing.T
	dir string
}

// startSwitch starts the switch with a bridge br0 that has the interfaces as ports.
func startSwitch(t *testing.T, ports ...string) *openSwitch {
	t.Helper()
	server, daemon, schema := tool(t, "ovsdb-server"), tool(t, "ovs-vswitchd"), tool(t, "ovsdb-tool")
	tool(t, "ovs-vsctl")
	// The path of a socket may have 108 bytes, which that of t.TempDir may exceed.
	dir, err := os.MkdirTemp("", "weir")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"} {
		t.Setenv(name, dir)
	}
	o := &openSwitch{t, dir}
	output(t, schema, "create", filepath.Join(dir, "conf.db"))
	o.start(server, filepath.Join(dir, "conf.db"), "--remote=punix:"+o.socket(), "--unixctl="+filepath.Join(dir, "db.ctl"))
	until(t, "there is a database", func() bool { _, err := os.Stat(o.socket()); return err == nil })
	o.configure("--no-wait", "init")
	o.start(daemon, "unix:"+o.socket(), "--disable-system", "--unixctl="+filepath.Join(dir, "switch.ctl"))
	o.configure("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
	for _, p := range ports {
		o.configure("add-port", "br0", p)
	}
	return o
}

func (o *openSwitch) socket() string { return filepath.Join(o.dir, "db.sock") }

// start starts a daemon of the switch, which ends with the test.
func (o *openSwitch) start(name string, args ...string) {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), name, append(args, "--verbose=off")...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // always tells that it was killed
	})
}

// configure runs ovs-vsctl, as docs/exporters.md says it.
func (o *openSwitch) configure(args ...string) {
	o.t.Helper()
	output(o.t, "ovs-vsctl", append([]string{"--db=unix:" + o.socket(), "--timeout=20"}, args...)...)
}

// TestOpenVSwitch holds what was sent into a real Open vSwitch against what it reports, in all its ways.
func TestOpenVSwitch(t *testing.T) {
	if !isolated(t) {
		return
	}
	cable(t, "weir-a", "weir-b")
	output(t, "ip", "address", "add", "192.0.2.11/24", "dev", "weir-a")
	o := startSwitch(t, "weir-b")
	s := serveExporters(t)
	o.configure("--", "--id=@s", "create", "sflow", "agent=weir-a", fmt.Sprintf(`target="%s"`, s.udp("sflow")),
		"header=128", "sampling=1", "polling=1", "--", "set", "bridge", "br0", "sflow=@s")
	o.configure("--", "--id=@n", "create", "netflow", fmt.Sprintf(`targets="%s"`, s.udp("netflow")),
		"active_timeout=1", "--", "set", "bridge", "br0", "netflow=@n")
	o.configure("--", "--id=@i", "create", "ipfix", fmt.Sprintf(`targets="%s"`, s.udp("netflow")), "obs_domain_id=1",
		"sampling=1", "cache_active_timeout=1", "cache_max_flows=10000", "--", "set", "bridge", "br0", "ipfix=@i")
	frames := trafficFrames(1000, false)
	transmit(t, "weir-a", 5, frames) // each is three messages for a queue of 128 inside the switch
	of := sizesOf(frames)
	s.expect("sflow", of.amount(len(of), 14+4), len(of))
	s.expect("netflow5", of.amount(len(of), 14), -1)
	// IPFIX tells of each packet when it comes and when it goes, here to the one other port, that of the bridge itself.
	s.expect("ipfix", slices.Concat(of, of).amount(2*len(of), 0), -1)
}

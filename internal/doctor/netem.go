package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

// ProbeNetem tries to put a netem queue on the loopback device. It must run in
// a network namespace of its own, which takes the queue with it at its end.
func ProbeNetem() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	q := netlink.NewNetem(netlink.QdiscAttrs{
		LinkIndex: lo.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT,
	}, netlink.NetemQdiscAttrs{Latency: 1000})
	switch err := netlink.QdiscAdd(q); {
	case errors.Is(err, syscall.ENOENT):
		return errNoNetem
	case err != nil:
		return fmt.Errorf("netem: %w", err)
	}
	return nil
}

// namespaces starts the probe in user and network namespaces of its own: that
// tells about both.
func namespaces(ctx context.Context, probe []string) []Finding {
	user := Finding{Name: "user namespaces", Grade: OK, Found: "present"}
	netem := Finding{Name: "netem", Grade: OK, Found: "present"}
	text, err := inNamespaces(ctx, probe, syscall.CLONE_NEWUSER|syscall.CLONE_NEWNET)
	if err != nil {
		user.Grade, user.Found = Missing, err.Error()
		user.Cost = "topologies and faults of the network need root"
		user.Remedy = "sysctl -w kernel.unprivileged_userns_clone=1, where the kernel has it"
		if os.Geteuid() == 0 {
			text, err = inNamespaces(ctx, probe, syscall.CLONE_NEWNET)
		}
	}
	switch {
	case err != nil:
		netem.Grade, netem.Found = Limited, "unknown: no namespace to try it in"
	case text != "":
		netem.Grade, netem.Found = Missing, text
	default:
		return []Finding{user, netem}
	}
	netem.Cost = "delay, loss and reordering go through the userspace link: 50 µs less exact, at most some 200,000 packets a second"
	netem.Remedy = "modprobe sch_netem, or a kernel with CONFIG_NET_SCH_NETEM"
	return []Finding{user, netem}
}

// inNamespaces runs the probe; its text is what it found missing. An error
// reports that the namespaces are not to be had.
func inNamespaces(ctx context.Context, probe []string, flags uintptr) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, probe[0], probe[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if flags&syscall.CLONE_NEWUSER != 0 {
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		text := strings.TrimPrefix(strings.TrimSpace(string(out)), "bench: ")
		if text == "" {
			text = exit.String()
		}
		return text, nil
	}
	if err != nil {
		return "", fmt.Errorf("not available: %w", err)
	}
	return "", nil
}

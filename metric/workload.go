package metric

import (
	"strings"

	"weir/schema"
)

// workloadNames are the metrics that say what kind of workload a virtual node is, made from its host name (spec
// sflow-rt 5.2). The order is that of workloadColumns.out.
var workloadNames = [...]string{"k8s_namespace", "k8s_name", "swarm_name", "systemd_service", "docker_name"}

// workloadColumns are the columns that workloads are told by.
type workloadColumns struct {
	host, os, jvm int // -1 when not sent
	out           [len(workloadNames)]int
}

// bindWorkload finds the columns for shapes of virtual nodes.
func (s *shape) bindWorkload() {
	column := func(name string) int {
		if c, ok := s.index[name]; ok {
			return c
		}
		return -1
	}
	s.workload = workloadColumns{host: column("vir_host_name"), os: column("vir_os_name"), jvm: column("jvm_name")}
	for i, n := range workloadNames {
		s.workload.out[i] = -1
		if s.workload.host < 0 {
			continue
		}
		if c, ok := s.derived(n); ok {
			s.workload.out[i] = c
		}
	}
}

// workload names what runs in a virtual node, when the reading brought its host name. It allocates nothing: the names
// are parts of the host name.
func (w *row) workload(at schema.Instant) {
	b := &w.shape.workload
	if !w.came(b.host) {
		return
	}
	linux := b.os >= 0 && w.cells[b.os].value.Text == "linux"
	jvm := b.jvm >= 0 && w.cells[b.jvm].value.Form == Text
	names := workloadOf(w.cells[b.host].value.Text, linux && !jvm)
	for i, c := range b.out {
		if c < 0 {
			continue
		}
		v := Value{}
		if names[i] != "" {
			v = Str(names[i])
		}
		w.put(c, v, at)
	}
}

// workloadOf reads a virtual host name: "k8s_CONTAINER_POD_NAMESPACE_UID_TRY" of Kubernetes, "SERVICE.SLOT.TASK" of
// Docker swarm, "UNIT.service" of systemd. Any other name of a virtual node that may be a container (it shares the
// host's operating system; a virtual machine's is not told) is that of a Docker container.
func workloadOf(host string, container bool) (names [len(workloadNames)]string) {
	if rest, ok := strings.CutPrefix(host, "k8s_"); ok {
		name, rest, _ := strings.Cut(rest, "_")
		pod, rest, ok := strings.Cut(rest, "_")
		space, _, _ := strings.Cut(rest, "_")
		if ok && space != "" {
			if name == "POD" {
				name = pod // The pause container stands for the pod as such.
			}
			names[0], names[1] = space, name
			return names
		}
	}
	if unit, ok := strings.CutSuffix(host, ".service"); ok && unit != "" {
		names[3] = unit
		return names
	}
	if service := swarmService(host); service != "" {
		names[2] = service
		return names
	}
	if container {
		names[4] = host
	}
	return names
}

// swarmTask is the length of the identifier of a swarm task.
const swarmTask = 25

// swarmService returns SERVICE of "SERVICE.SLOT.TASK"; empty when it is no such name. SLOT is a number, or the
// identifier of a node for global services.
func swarmService(host string) string {
	rest, task, ok := cutLast(host)
	if !ok || !isIdentifier(task) {
		return ""
	}
	service, slot, ok := cutLast(rest)
	if !ok || !isIdentifier(slot) && strings.Trim(slot, "0123456789") != "" || slot == "" {
		return ""
	}
	return service
}

// cutLast cuts at the last dot.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// isIdentifier tells whether s can be the identifier of a swarm task or node.
func isIdentifier(s string) bool {
	return len(s) == swarmTask && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// classHost is the source class of physical entities (sFlow v5), whose datasource "2.1" tells of the host itself.
const classHost = 2

// libcontainer drives the library that runc and the kubelet make groups with: nested groups are made, limited, filled
// with a process, measured, frozen, thawed and removed. Prints what it did; ends with 1 at the first thing that fails.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/opencontainers/runc/libcontainer/cgroups"
	"github.com/opencontainers/runc/libcontainer/cgroups/manager"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/devices"
)

func check(what string, err error) {
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
		os.Exit(1)
	}
	fmt.Println(what)
}

func expect(what string, is, wanted interface{}) {
	var err error
	if fmt.Sprint(is) != fmt.Sprint(wanted) {
		err = fmt.Errorf("is %v, not %v", is, wanted)
	}
	check(what, err)
}

func resources() *configs.Resources {
	const memory = 256 << 20
	r := &configs.Resources{
		Memory:    memory,
		CpuShares: 512,
		CpuWeight: cgroups.ConvertCPUSharesToCgroupV2Value(512),
		CpuQuota:  50000,
		CpuPeriod: 100000,
		PidsLimit: 100,
	}
	// v2 has no device files: programs that decide are attached to a real cgroup2 only.
	if cgroups.IsCgroup2UnifiedMode() {
		r.SkipDevices = true
		return r
	}
	r.Devices = []*devices.Rule{
		{Type: devices.WildcardDevice, Major: devices.Wildcard, Minor: devices.Wildcard, Permissions: "rwm"},
		{Type: devices.CharDevice, Major: 1, Minor: 3, Permissions: "rwm", Allow: true},
		{Type: devices.CharDevice, Major: 5, Minor: devices.Wildcard, Permissions: "rw", Allow: true},
	}
	return r
}

func open(path string) cgroups.Manager {
	m, err := manager.New(&configs.Cgroup{Path: path, Resources: resources()})
	check("manager of "+path, err)
	return m
}

func checkStats(m cgroups.Manager, members uint64) {
	stats, err := m.GetStats()
	check("GetStats", err)
	expect("memory limit", stats.MemoryStats.Usage.Limit, 256<<20)
	expect("limit of tasks", stats.PidsStats.Limit, 100)
	expect("tasks", stats.PidsStats.Current, members)
	if stats.MemoryStats.Usage.Usage == 0 || stats.CpuStats.CpuUsage.TotalUsage == 0 {
		check("usage", fmt.Errorf("memory %d, CPU time %d ns", stats.MemoryStats.Usage.Usage,
			stats.CpuStats.CpuUsage.TotalUsage))
	}
}

// state is the letter of /proc/PID/stat.
func state(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	check("state of the member", err)
	return string(text[strings.LastIndexByte(string(text), ')')+2])
}

func freeze(m cgroups.Manager, pid int) {
	check("Freeze", m.Freeze(configs.Frozen))
	now, err := m.GetFreezerState()
	check("GetFreezerState", err)
	expect("frozen", now, configs.Frozen)
	expect("the member stands still", strings.Contains("TtD", state(pid)), true)
	check("thaw", m.Freeze(configs.Thawed))
	now, err = m.GetFreezerState()
	check("GetFreezerState", err)
	expect("thawed", now, configs.Thawed)
}

// member waits for a line, uses some CPU time, says so, and ends with the pipe from which it reads, or killed.
type member struct {
	cmd *exec.Cmd
	in  io.Writer
	out io.Reader
}

func startMember() member {
	cmd := exec.Command("sh", "-c", "read go; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo; read end")
	in, err := cmd.StdinPipe()
	check("pipe", err)
	out, err := cmd.StdoutPipe()
	check("pipe", err)
	check("start a member", cmd.Start())
	return member{cmd, in, out}
}

func (m member) work() {
	_, err := m.in.Write([]byte("\n"))
	check("tell the member to work", err)
	_, err = m.out.Read(make([]byte, 1))
	check("the member has worked", err)
}

func main() {
	outer, inner := open("/clients"), open("/clients/inner")
	check("Apply without a process", outer.Apply(-1))
	check("Set", outer.Set(resources()))
	member := startMember()
	pid := member.cmd.Process.Pid
	check("Apply", inner.Apply(pid))
	check("Set", inner.Set(resources()))
	member.work()
	expect("exists", inner.Exists(), true)
	pids, err := inner.GetPids()
	check("GetPids", err)
	expect("members", pids, []int{pid})
	pids, err = outer.GetAllPids()
	check("GetAllPids", err)
	expect("members below", pids, []int{pid})
	checkStats(inner, 1)
	checkStats(outer, 1)
	freeze(inner, pid)
	check("kill the member", member.cmd.Process.Kill())
	_ = member.cmd.Wait()
	check("Destroy", inner.Destroy())
	check("Destroy", outer.Destroy())
	expect("is gone", outer.Exists(), false)
}

// sizes prints what a static Go program takes for the size of the machine.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

func memTotal() string {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "MemTotal:") {
			return strings.Fields(lines.Text())[1]
		}
	}
	return "no MemTotal"
}

func main() {
	var info syscall.Sysinfo_t
	_ = syscall.Sysinfo(&info)
	fmt.Println("cpus", runtime.NumCPU(), "gomaxprocs", runtime.GOMAXPROCS(0), "meminfo", memTotal(),
		"sysinfo", info.Totalram*uint64(info.Unit)/1024)
}

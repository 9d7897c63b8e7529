// A Go program that does much at once: goroutines that read and write files, shown ones among them, and children.
// Prints "done" when everything was right.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
)

const (
	goroutines = 200
	children   = 50
	rounds     = 10
)

func fail(what string, err error) {
	fmt.Fprintln(os.Stderr, what, err)
	os.Exit(1)
}

// What this goroutine wrote must be what it reads.
func useFile(directory string, number int) {
	name := filepath.Join(directory, strconv.Itoa(number))
	for round := 0; round < rounds; round++ {
		text := bytes.Repeat([]byte(strconv.Itoa(number*rounds+round)+"\n"), 100)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			fail("write", err)
		}
		if read, err := os.ReadFile(name); err != nil || !bytes.Equal(read, text) {
			fail("read "+name, err)
		}
		if _, err := os.Stat(filepath.Join(directory, "missing")); !os.IsNotExist(err) {
			fail("stat", err)
		}
		if shown, err := os.ReadFile("/proc/sys/vm/swappiness"); err != nil || len(shown) == 0 {
			fail("swappiness", err)
		}
	}
}

func runChild(number int) {
	output, err := exec.Command("/bin/sh", "-c", "cat /proc/sys/kernel/ostype; exit "+strconv.Itoa(number)).Output()
	if number != 0 {
		exit, ok := err.(*exec.ExitError)
		if !ok || exit.ExitCode() != number {
			fail("exit", err)
		}
	}
	if string(output) != "Linux\n" {
		fail("child said "+string(output), err)
	}
}

func main() {
	var all sync.WaitGroup
	directory, err := os.MkdirTemp("", "busy")
	if err != nil {
		fail("temporary directory", err)
	}
	defer os.RemoveAll(directory)
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func(i int) { defer all.Done(); useFile(directory, i) }(i)
	}
	for i := 0; i < children; i++ {
		all.Add(1)
		go func(i int) { defer all.Done(); runChild(i) }(i)
	}
	all.Wait()
	fmt.Println("done")
}

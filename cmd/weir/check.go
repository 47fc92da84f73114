package main

import (
	"fmt"

	"weir/config"
)

// checkCmd reports everything that is wrong with a configuration.
type checkCmd struct {
	File string `arg:"" help:"Configuration file."`
}

// Run prints the problems, one a line, to standard output; with any the exit code is 1.
func (c *checkCmd) Run(e *env) error {
	conf, problems := config.Load(c.File)
	for _, p := range problems {
		if _, err := fmt.Fprintln(e.stdout, p); err != nil {
			return err
		}
	}
	if conf == nil {
		return &exitCode{exitError}
	}
	_, err := fmt.Fprintf(e.stdout, "%s: good: %d flows, %d thresholds, %d group sets, %d maps\n", c.File,
		len(conf.Flows), len(conf.Thresholds), len(conf.Groups), len(conf.Maps))
	return err
}

// configCmd prints the commented defaults.
type configCmd struct {
	Defaults bool `help:"Print the defaults as a commented file." required:""`
}

// Run prints the file.
func (c *configCmd) Run(e *env) error {
	_, err := e.stdout.Write(config.Defaults())
	return err
}

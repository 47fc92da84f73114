// Package config reads the configuration file of weir: one YAML file, decoded strictly into one tree of the rooms' own
// configurations.
//
// A name that is not known is a problem, and so is a value that a room refuses; [Parse] reports all of them at once,
// each with its line and column. The defaults are the document: [Defaults] writes them as a commented file that reads
// back as [Default]. A value may hold ${VAR}, which is replaced by the environment variable VAR, for secrets. The file
// is ours to read, never to write.
//
// It is not for opening what the file names, but for the topology and the list of MAC address blocks, which are part
// of it. A Config belongs to whoever parsed it.
package config

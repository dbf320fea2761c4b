// Package echotest is the rules of janus.plugin.echotest: endpoints get back what they send. Each handle is a room of
// its own.
package echotest

// Package session carries out commands: those on sessions and handles itself, each as one atomic operation of the
// store; those that concern a room by passing them to the room's owner.
//
// verbs.go has the table of commands; each verb has a file of its own.
package session

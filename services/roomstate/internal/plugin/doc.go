// Package plugin is the contract between plugins and what runs them.
//
// A plugin is a set of pure rules. Its state is divided into rooms, each a value with one writer at a time; a rule
// takes a room and a command and says what comes of it. What a rule needs to know of the outside it asks through
// its Turn: a question that has no answer yet ends the turn, and the rule runs again, on the room as it then is,
// with the answer at hand. So rules do no I/O and hold nobody up, yet read as if they did.
//
// Questions are put, and events are made, in the words of the services that hear them (mediav1, busv1): a second
// vocabulary of the same shape would only have to be kept in step.
package plugin

package traces

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Janus is whom something concerns: a session, and a handle where it is about one.
func Janus(session, handle uint64) []attribute.KeyValue {
	var all []attribute.KeyValue
	if session != 0 {
		all = append(all, attribute.Int64("janus.session", int64(session)))
	}
	if handle != 0 {
		all = append(all, attribute.Int64("janus.handle", int64(handle)))
	}
	return all
}

// Verb is what is asked of the core, in its own word.
func Verb(name string) attribute.KeyValue { return attribute.String("janus.verb", name) }

// Plugin is whose handle something is about.
func Plugin(name string) attribute.KeyValue { return attribute.String("janus.plugin", name) }

// Transport is what a request came by: websocket or http.
func Transport(name string) attribute.KeyValue { return attribute.String("janus.transport", name) }

// Message is one over NATS: what is done with it, send or process, and where.
func Message(operation, subject, id string) []attribute.KeyValue {
	all := []attribute.KeyValue{
		semconv.MessagingSystemKey.String("nats"),
		semconv.MessagingOperationTypeKey.String(operation), semconv.MessagingOperationName(operation),
		semconv.MessagingDestinationName(subject),
	}
	if id != "" {
		all = append(all, semconv.MessagingMessageID(id))
	}
	return all
}

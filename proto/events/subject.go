package events

import "context"

// subject publishes events on NATS, one a message.
type subject struct {
	emitter *Emitter
	conn    Publisher
	name    string
}

func (s *subject) run(ctx, farewell context.Context, q *queue) {
	drain(ctx, farewell, q, 64, queueBytes, func(batch [][]byte) {
		for _, event := range batch {
			if err := s.conn.Publish(s.name, event); err != nil {
				s.emitter.log.Debug("event not published", "subject", s.name, "err", err)
				s.emitter.drop("nats", notPublished, 1)
				continue
			}
			s.emitter.delivered.WithLabelValues("nats").Inc()
		}
	})
}

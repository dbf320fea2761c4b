package talk

import "fmt"

// MarkIdle marks the events that somebody has unpublished which mean nothing: the handle that hears them was told so already, or
// was never told of anything published. Who goes by what he is told has nothing to do then. They get a member "idle".
func MarkIdle(steps []Step) {
	live := map[string]bool{} // feeds, by who was told of them
	for _, s := range steps {
		for socket, messages := range s.Heard {
			for _, m := range messages { // sorted: of one step, what is published comes before what is not any more
				message, _ := m.(map[string]any)
				plugin, _ := message["plugindata"].(map[string]any)
				data, _ := plugin["data"].(map[string]any)
				feed := func(id any) string { return fmt.Sprint(socket, " ", message["sender"], " ", id) }
				publishers, _ := data["publishers"].([]any)
				for _, p := range publishers {
					publisher, _ := p.(map[string]any)
					live[feed(publisher["id"])] = true
				}
				id, ok := data["unpublished"]
				if !ok || id == "ok" {
					continue
				}
				if !live[feed(id)] {
					message["idle"] = true
				}
				delete(live, feed(id))
			}
		}
	}
}

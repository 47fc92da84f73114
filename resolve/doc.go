// Package resolve asks the reverse DNS who addresses are. It is a door: it talks to name servers, keeps a bounded
// cache, and hands answers over in batches for the engine to apply with the next tick (enrich.World.WithAnswers).
//
// It is not for deciding which addresses matter, nor for showing names: key function dns of package enrich notes the
// addresses that it wants, and shows what was answered.
//
// Nothing here waits for the network but the goroutines of Run. [Resolver.Want] and [Resolver.Poll] may be called by
// any goroutine; slices that Poll returns belong to the caller, those given to Want are not kept.
package resolve

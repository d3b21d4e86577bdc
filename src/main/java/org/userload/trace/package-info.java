/**
 * Recorded memory accesses and the guest that replays them.
 *
 * <p>A trace file is read as a stream by a {@link org.userload.trace.TraceReader}, whatever its format and
 * compression, loaded into an immutable {@link org.userload.trace.Trace} whose pages are compacted into guest memory
 * from 0, and replayed by a {@link org.userload.trace.Workload} against guest memory. The meaning of a replay (the
 * first contents of memory, the checksum, what a write writes) is specified in {@code docs/replay.md}.
 *
 * <p>Addresses are unsigned 64-bit numbers in a {@code long}. Two kinds occur and are never mixed: an
 * <em>address</em> is what the recorded program used; a <em>guest address</em> is where that byte lies in guest
 * memory after compaction.
 *
 * <p>Errors in files are {@link java.io.IOException}s whose message names the file, the place and what was expected.
 */
@NullMarked
package org.userload.trace;

import org.jspecify.annotations.NullMarked;

/**
 * Memory that the guest does not need: which pages it has released, and what it may say about them.
 *
 * <p>{@link org.userload.hint.ReleasedMemory} is the front towards a guest that is not trusted: every message is checked
 * as a whole before it changes anything. {@link org.userload.hint.RangeSet} keeps the pages as merged ranges. Both may be
 * read by any number of threads while others change them.
 *
 * <p>{@link org.userload.hint.GuestMemoryPort} is the host's end of a guest's messages about memory, {@link
 * org.userload.hint.GuestMemoryAgent} the guest's.
 */
@NullMarked
package org.userload.hint;

import org.jspecify.annotations.NullMarked;

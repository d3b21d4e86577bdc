/**
 * The guest channel: messages between a guest and its host, in both directions, over any pair of byte pipes.
 *
 * <p>Ports have names and versions; what their messages mean is for others to say. {@link
 * org.userload.channel.HostChannel} is the end of the host, {@link org.userload.channel.GuestChannel} that of the guest;
 * each has one thread, which reads, calls handlers, and writes. {@code docs/guest-channel.md} has every byte.
 *
 * <p>The guest is not trusted. What it sends is copied to the host's memory before it is looked at; no buffer has a size
 * that the guest names; what is wrong is refused with a reason, counted, and too much of it ends the channel. Either end
 * holds a bounded number of bytes: who writes faster than the other reads waits.
 */
@NullMarked
package org.userload.channel;

import org.jspecify.annotations.NullMarked;

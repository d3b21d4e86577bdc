/**
 * The wire protocol: frame layouts as named offsets, encoding, and decoding of what an untrusted peer sends.
 *
 * <p>{@code docs/protocol.md} describes the exchange; {@link org.userload.protocol.FrameLayout} the bytes. Every length,
 * count and index is checked before it is used; whatever is wrong becomes a {@link
 * org.userload.protocol.ProtocolException} that ends the peer's own session and nothing else.
 */
@NullMarked
package org.userload.protocol;

import org.jspecify.annotations.NullMarked;

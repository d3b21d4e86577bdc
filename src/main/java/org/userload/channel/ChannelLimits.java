package org.userload.channel;

/**
 * What an end of a channel grants its peer.
 *
 * @param bodyBytes most bytes of a message, 64 to {@link ChannelLayout#MAX_BODY_BYTES}; a longer one ends the channel
 * @param ports most ports that are open at a time, 1 to 65536
 * @param outboundBytes most bytes that wait to be sent, at least one message with its header; up to 64 MiB
 * @param refusals most messages refused in a row before the channel ends, at least 1
 * @param refusalsForgivenPerSecond how many of them are forgotten each second, 0 or more
 */
public record ChannelLimits(int bodyBytes, int ports, int outboundBytes, int refusals, int refusalsForgivenPerSecond) {
    private static final int LEAST_BODY_BYTES = 64;
    private static final int MOST_OUTBOUND_BYTES = 64 << 20;

    /** 64 KiB a message, 16 ports, 256 KiB waiting, 64 refusals and 16 more each second. */
    public static final ChannelLimits DEFAULT =
            new ChannelLimits(ChannelLayout.MAX_BODY_BYTES, 16, 4 * ChannelLayout.MAX_BODY_BYTES, 64, 16);

    public ChannelLimits {
        if (bodyBytes < LEAST_BODY_BYTES || bodyBytes > ChannelLayout.MAX_BODY_BYTES) {
            throw new IllegalArgumentException("a message has a limit of " + LEAST_BODY_BYTES + " to "
                    + ChannelLayout.MAX_BODY_BYTES + " bytes, not " + bodyBytes);
        }
        if (ports < 1 || ports > ChannelLayout.MAX_U16 + 1) {
            throw new IllegalArgumentException("a channel has 1 to 65536 ports, not " + ports);
        }
        if (outboundBytes < bodyBytes + ChannelLayout.HEADER_BYTES || outboundBytes > MOST_OUTBOUND_BYTES) {
            throw new IllegalArgumentException("what waits to be sent has at least the size of a message and at most "
                    + MOST_OUTBOUND_BYTES + " bytes, not " + outboundBytes);
        }
        if (refusals < 1 || refusalsForgivenPerSecond < 0) {
            throw new IllegalArgumentException("at least 1 refusal, and 0 or more forgiven each second, not " + refusals
                    + " and " + refusalsForgivenPerSecond);
        }
    }

    /** The same with another limit on refusals. */
    public ChannelLimits withRefusals(int most, int forgivenPerSecond) {
        return new ChannelLimits(bodyBytes, ports, outboundBytes, most, forgivenPerSecond);
    }

    /** The same with another bound on what waits to be sent. */
    public ChannelLimits withOutboundBytes(int bytes) {
        return new ChannelLimits(bodyBytes, ports, bytes, refusals, refusalsForgivenPerSecond);
    }

    /** The same with another number of ports. */
    public ChannelLimits withPorts(int most) {
        return new ChannelLimits(bodyBytes, most, outboundBytes, refusals, refusalsForgivenPerSecond);
    }
}

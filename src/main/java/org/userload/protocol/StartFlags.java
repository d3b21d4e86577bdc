package org.userload.protocol;

/**
 * What a {@link FrameType#START} says of the pages that are not preferred, once the guest runs at the destination: its
 * {@code id}, when {@link Feature#PREFER} was agreed on.
 *
 * @param onlyPreferred whether nothing is sent but what is preferred or asked for, until another START says otherwise
 * @param followFaults whether the stream goes on around the latest pages that were asked for, instead of in order
 */
public record StartFlags(boolean onlyPreferred, boolean followFaults) {
    /** Everything, in order; what a START means without {@link Feature#PREFER}. */
    public static final StartFlags PLAIN = new StartFlags(false, false);

    private static final int ONLY_PREFERRED = 1;
    private static final int FOLLOW_FAULTS = 2;

    /** The number on the wire. */
    public int code() {
        return (onlyPreferred ? ONLY_PREFERRED : 0) | (followFaults ? FOLLOW_FAULTS : 0);
    }

    /** @throws ProtocolException for bits that mean nothing */
    public static StartFlags ofCode(int code) {
        if ((code & ~(ONLY_PREFERRED | FOLLOW_FAULTS)) != 0) {
            throw new ProtocolException("START frame with flags " + code + ", of which some mean nothing");
        }
        return new StartFlags((code & ONLY_PREFERRED) != 0, (code & FOLLOW_FAULTS) != 0);
    }
}

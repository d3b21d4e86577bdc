package org.userload.protocol;

/** How soon the pages of a {@link FrameType#PREFER} frame are wanted: the {@code id} of its header. */
public enum Preference {
    /** About to be touched: before everything else, behind those that were wanted so before. */
    SOON(0),
    /** Before the rest of the memory, behind those that were wanted so before: a recorded working set. */
    FIRST(1);

    private final int code;

    Preference(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** @throws ProtocolException for a number that means nothing */
    public static Preference ofCode(int code) {
        for (Preference preference : values()) {
            if (preference.code == code) {
                return preference;
            }
        }
        throw new ProtocolException("PREFER frame with id " + code + ", which means nothing");
    }
}

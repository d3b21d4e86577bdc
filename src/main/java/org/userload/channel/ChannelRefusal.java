package org.userload.channel;

/** Why a frame was not taken. The number is the reason of a REFUSED frame. */
public enum ChannelRefusal {
    /** The magic number, the flags or the reserved bytes are wrong: where the next frame begins is not known. */
    NOT_A_FRAME(1, true),
    /** A body longer than what was granted. */
    TOO_LONG(2, true),
    /** A kind that is none, or not for this end. */
    UNKNOWN_KIND(3, false),
    /** An OPEN without two versions in order and a name. */
    BAD_OPEN(4, false),
    /** The number belongs to an open port. */
    NUMBER_IN_USE(5, false),
    /** As many ports are open as may be. */
    TOO_MANY_PORTS(6, false),
    /** Nobody offers a port of this name. */
    NO_SUCH_SERVICE(7, false),
    /** Somebody does, but in no version that both know. */
    NO_COMMON_VERSION(8, false),
    /** A port of this name is open already. */
    ALREADY_OPEN(9, false),
    /** A message or CLOSE for a port that is not open, or an answer that nobody waits for. */
    UNKNOWN_PORT(10, false),
    /** A message of a type that the port does not have in this direction. */
    UNKNOWN_TYPE(11, false),
    /** A body that is none of its kind or type. */
    MALFORMED(12, false),
    /** The answer has no room, since the peer does not read. */
    NO_ROOM_FOR_ANSWER(13, false);

    private final int code;
    private final boolean endsChannel;

    ChannelRefusal(int code, boolean endsChannel) {
        this.code = code;
        this.endsChannel = endsChannel;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** Whether nothing can be read after it. */
    boolean endsChannel() {
        return endsChannel;
    }

    static String nameOf(int code) {
        for (ChannelRefusal refusal : values()) {
            if (refusal.code == code) {
                return refusal.name();
            }
        }
        return "reason " + code;
    }
}

package org.userload.protocol;

/** What a connection of a session is for. */
public enum Role {
    /** Handover of the guest, the end of the session, errors. Opens the session. */
    CONTROL(1),
    /** Page requests and their answers; never behind the stream. */
    SYNC(2),
    /** Every page that nobody has asked for, in bulk. */
    STREAM(3),
    /**
     * Page requests and their answers as on {@link #SYNC}, for a thread that asks for its own pages. Any number up to {@link
     * #MAX_FAULT_CONNECTIONS} in a session that has its other three; losing one ends nothing but itself.
     */
    FAULT(4);

    /** Most connections of role {@link #FAULT} in a session at a time. */
    public static final int MAX_FAULT_CONNECTIONS = 256;

    private final int code;

    Role(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    /** Whether a session has exactly one connection of this role, and ends with it. */
    public boolean isSingle() {
        return this != FAULT;
    }

    static Role ofCode(int code) {
        for (Role role : values()) {
            if (role.code == code) {
                return role;
            }
        }
        throw new ProtocolException("hello for an unknown role " + code);
    }
}

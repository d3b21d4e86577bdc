package org.userload.protocol;

/** What a connection of a session is for. */
public enum Role {
    /** Handover of the guest, the end of the session, errors. Opens the session. */
    CONTROL(1),
    /** Page requests and their answers; never behind the stream. */
    SYNC(2),
    /** Every page that nobody has asked for, in bulk. */
    STREAM(3);

    private final int code;

    Role(int code) {
        this.code = code;
    }

    int code() {
        return code;
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

package org.userload.protocol;

import java.util.Locale;

/** Why a side ends a session. */
public enum ErrorCode {
    /** The peer broke the protocol. */
    PROTOCOL(1),
    /** No common version. */
    VERSION(2),
    /** The session id is not known here. */
    UNKNOWN_SESSION(3),
    /** The source cannot read its pages. */
    SOURCE_FAILED(4),
    /** The destination cannot go on. */
    DESTINATION_FAILED(5),
    /** Someone else has this session's connection of that role. */
    ROLE_TAKEN(6),
    /** The guest has not been handed over yet. */
    NOT_HANDED_OVER(7);

    private final int code;

    ErrorCode(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    static String describe(int code) {
        for (ErrorCode known : values()) {
            if (known.code == code) {
                return known.name().toLowerCase(Locale.ROOT).replace('_', ' ');
            }
        }
        return "error " + code;
    }
}

package org.userload.hint;

import java.io.IOException;

/** A guest did not give its report: it is gone, does not read, or took too long. */
public final class GuestUnreachableException extends IOException {
    private static final long serialVersionUID = 1;

    public GuestUnreachableException(String message) {
        super(message);
    }
}

package org.userload.protocol;

import java.security.SecureRandom;

/** Names a session: 128 random bits. {@link #NONE} asks for a new one. */
public record SessionId(long high, long low) {
    public static final SessionId NONE = new SessionId(0, 0);

    private static final SecureRandom RANDOM = new SecureRandom();

    public static SessionId random() {
        SessionId id = new SessionId(RANDOM.nextLong(), RANDOM.nextLong());
        return id.equals(NONE) ? random() : id;
    }

    @Override
    public String toString() {
        return String.format("%016x%016x", high, low);
    }
}

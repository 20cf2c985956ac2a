package org.apache.curator.framework.recipes.locks; // getLockPath is protected

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;

/**
 * Contends for the lock at INTEROP_LOCK with Curator until its standard input ends, and prints
 * what it believes, a line of JSON each (interop_programs_test.go). INTEROP_NAMES says which names
 * are in the line: curator (all contenders have Curator's), mixed (any), read-write.
 */
public class InteropLock {
    static final String WHO = System.getenv("INTEROP_WHO"), LOCK = System.getenv("INTEROP_LOCK"), WORK = System.getenv("INTEROP_WORK");
    static final String NAMES = System.getenv("INTEROP_NAMES");
    static final AtomicBoolean stay = new AtomicBoolean(), rest = new AtomicBoolean(), over = new AtomicBoolean();
    static Hold current;

    /** Curator compares what follows "lock-" in a name; this one compares the number at its end. */
    static class ByNumber extends StandardLockInternalsDriver {
        @Override public String fixForSorting(String name, String lockName) { return name.substring(Math.max(0, name.length() - 10)); }
    }

    /** A mutex whose znodes say whose they are. */
    static class Named extends InterProcessMutex {
        Named(CuratorFramework zk, LockInternalsDriver driver) { super(zk, LOCK, driver); }

        @Override protected byte[] getLockNodeBytes() { return WHO.getBytes(); }
    }

    /** One time in which this program believes that it holds the lock. */
    static class Hold {
        final int n;
        final String znode;
        private boolean over;

        Hold(int n, boolean reads, String znode) {
            this.n = n;
            this.znode = znode;
            say("{\"what\":\"holds\",\"n\":%d,\"reads\":%b,\"znode\":\"%s\",\"at\":%d}", n, reads, znode, System.nanoTime());
        }

        synchronized void end(String why) {
            if (!over) say("{\"what\":\"over\",\"n\":%d,\"why\":\"%s\",\"at\":%d}", n, why, System.nanoTime());
            over = true;
        }

        synchronized boolean isOver() { return over; }
    }

    static synchronized void say(String format, Object... words) {
        System.out.printf(Locale.ROOT, format + "%n", words);
        System.out.flush();
    }

    static synchronized Hold now() { return current; }

    static synchronized void now(Hold hold) { current = hold; }

    static void listen() {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                stay.set(line.equals("stay"));
                rest.set(line.equals("rest"));
            }
        } catch (Exception e) {
            e.printStackTrace();
        }
        over.set(true);
        System.exit(0); // the hook closes the session
    }

    static void work(CuratorFramework zk, Hold hold) throws Exception {
        byte[] data = (WHO + "|" + hold.n + "|" + hold.znode).getBytes();
        for (int i = 0; !hold.isOver() && (i < 3 || stay.get()); i++) {
            if (i == 3) say("{\"what\":\"stays\",\"n\":%d,\"at\":%d}", hold.n, System.nanoTime());
            zk.setData().forPath(WORK, data);
            Thread.sleep(10);
        }
    }

    public static void main(String[] args) throws Exception {
        CuratorFramework zk = CuratorFrameworkFactory.builder().connectString(System.getenv("INTEROP_SERVERS"))
            .sessionTimeoutMs(4_000).connectionTimeoutMs(2_000).retryPolicy(new RetryForever(100)).build();
        zk.getConnectionStateListenable().addListener((client, state) -> {
            Hold hold = now();
            if (state == ConnectionState.LOST && hold != null) hold.end("lost");
        });
        zk.start();
        Runtime.getRuntime().addShutdownHook(new Thread(zk::close));
        InterProcessReadWriteLock both = new InterProcessReadWriteLock(zk, LOCK, WHO.getBytes());
        InterProcessMutex only = new Named(zk, NAMES.equals("mixed") ? new ByNumber() : new StandardLockInternalsDriver());
        new Thread(InteropLock::listen).start();
        try {
            contend(zk, only, both);
        } catch (Exception e) {
            if (!over.get()) throw e;
        }
    }

    static void contend(CuratorFramework zk, InterProcessMutex only, InterProcessReadWriteLock both) throws Exception {
        for (int n = 1; ; n++) {
            if (rest.get()) {
                say("{\"what\":\"rests\",\"at\":%d}", System.nanoTime());
                while (rest.get()) Thread.sleep(10);
            }
            boolean reads = NAMES.equals("read-write") && n % 2 == 0;
            InterProcessMutex lock = !NAMES.equals("read-write") ? only : reads ? both.readLock() : both.writeLock();
            lock.acquire();
            Hold hold = new Hold(n, reads, lock.getLockPath().substring(LOCK.length() + 1));
            now(hold);
            try {
                work(zk, hold);
            } finally {
                hold.end("released");
                now(null);
                lock.release();
            }
            Thread.sleep(5);
        }
    }
}

#!/usr/bin/env node
import '../dist/src/cli/mirror-server.js';
